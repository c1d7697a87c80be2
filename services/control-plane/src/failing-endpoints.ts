import { configKey } from '@postrider/config-view';
import { EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import type { Health } from '@postrider/core';
import type { Change } from './config-writer.ts';

/**
 * Writes on an endpoint that it fails, or does not any more. The revision stays: nothing of what is sent changes by it, and
 * dispatchers must not take it for a change that may have mended the endpoint. What a person has changed since is not known to fail.
 */
export function noteHealth({ snapshot, put }: Change, { endpointId, failing, time }: Health): void {
  const config = snapshot.endpoint(endpointId);
  const endpoint = config?.endpoint;
  if (config === undefined || endpoint === undefined) return;
  if (snapshot.unreadable('endpoint', endpointId) !== undefined) return;
  const isKnown = endpoint.failingSince !== undefined;
  const isNews = endpoint.state === EndpointState.ENABLED && time >= (endpoint.updateTime ?? time);
  if (failing ? isKnown || !isNews : !isKnown) return;
  const failingSince = failing ? time : undefined;
  put(configKey('endpoint', endpointId), () => ({
    $case: 'endpoint',
    value: { ...config, endpoint: { ...endpoint, failingSince } },
  }));
}
