import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { Pause } from '@postrider/contract/postrider/v1/pause';
import type { Filter, Subscription } from '@postrider/contract/postrider/v1/subscription';

/** What ts-proto makes of an enum number that it does not know. */
const UNRECOGNIZED = 'UNRECOGNIZED';

/**
 * Names the field of an endpoint whose value a newer version wrote and this one cannot obey, if there is one. Such an
 * endpoint is refused as a whole: a value that is guessed could send what must not be sent.
 */
export function unknownEndpointValue({ endpoint, secrets }: EndpointConfig): string | null {
  if (endpoint === undefined) return null;
  const enums: readonly (readonly [string, string | undefined])[] = [
    ['state', endpoint.state],
    ['disable_reason', endpoint.disableReason],
    ['pending', endpoint.pending],
    ['signing.scheme', endpoint.signing?.scheme],
    ['ordering.mode', endpoint.ordering?.mode],
    ['ordering.on_exhausted', endpoint.ordering?.onExhausted],
    ['verification', endpoint.verification],
    ['attempt_body', endpoint.attemptBody],
    ['tls.min_version', endpoint.tls?.minVersion],
    ...secrets.map((secret): [string, string] => ['secrets.scheme', secret.scheme]),
  ];
  const found = enums.find(([, value]) => value === UNRECOGNIZED);
  if (found !== undefined) return found[0];
  if (endpoint.auth !== undefined && endpoint.auth.method === undefined) return 'auth.method';
  const { retryPolicy } = endpoint;
  if (retryPolicy !== undefined && retryPolicy.schedule === undefined && hasUnknownFields(retryPolicy)) {
    return 'retry_policy.schedule';
  }
  return null;
}

/** Names the field of a subscription that this version cannot obey; a filter that is not understood never matches all. */
export function unknownSubscriptionValue({ state, filter }: Subscription): string | null {
  if (state === UNRECOGNIZED) return 'state';
  return filter === undefined || isKnownFilter(filter) ? null : 'filter';
}

const pausable = /^(?:installation|tenants\/[^/]+|egressPools\/[^/]+)$/;
const pausableEndpoint = /^tenants\/[^/]+\/endpoints\/[^/]+$/;

/** Whether this version can tell what is paused. */
export function isKnownPause({ name, endpointUid }: Pause): boolean {
  return (endpointUid === '' ? pausable : pausableEndpoint).test(name);
}

function isKnownFilter({ dialect }: Filter): boolean {
  switch (dialect?.$case) {
    case undefined:
      return false;
    case 'any':
    case 'all':
      return dialect.value.filters.every(isKnownFilter);
    case 'not':
      return isKnownFilter(dialect.value);
    case 'exact':
    case 'prefix':
    case 'suffix':
    case 'cel':
      return true;
  }
}

function hasUnknownFields(message: { _unknownFields?: { [key: number]: Uint8Array[] } | undefined }): boolean {
  return Object.keys(message._unknownFields ?? {}).length > 0;
}
