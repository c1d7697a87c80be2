import { DisableReason, EndpointState, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { parseRevision } from '@postrider/core';
import { putChanged } from './endpoint-methods.ts';
import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { Gone } from '@postrider/core';
import type { Change } from './config-writer.ts';

/**
 * Whether an endpoint that answered 410 is still the one that was asked. Whoever has changed it since has had their say, and
 * it is asked again before it is taken for gone.
 */
export function isStillGone(config: EndpointConfig | undefined, { endpointRevision }: Gone): boolean {
  const { state, revision = '' } = config?.endpoint ?? {};
  if (state !== EndpointState.ENABLED && state !== EndpointState.PENDING_VERIFICATION) return false;
  const asked = parseRevision(endpointRevision);
  const current = parseRevision(revision);
  return asked !== null && current !== null && current <= asked;
}

/** Disables an endpoint that is gone, and keeps what is pending: nothing more is matched to it until a person enables it. */
export function disableGone(change: Change, gone: Gone): void {
  const config = change.snapshot.endpoint(gone.endpointId);
  if (config?.endpoint === undefined || !isStillGone(config, gone)) return;
  if (change.snapshot.unreadable('endpoint', gone.endpointId) !== undefined) return;
  putChanged(change, config, {
    ...config.endpoint,
    state: EndpointState.DISABLED,
    disableReason: DisableReason.GONE,
    pending: PendingPolicy.KEEP,
    disableTime: change.now,
  });
}
