import { DisableReason, EndpointState, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { currentEndpoint, putChanged } from './endpoint-methods.ts';
import { shownEndpoint } from './endpoint-resource.ts';
import { checkEtag } from './etag.ts';
import { checkNotHeld } from './held.ts';
import { parseEndpointName } from './names.ts';
import { rejectViolations } from './reject.ts';
import { checkKnown, createViolations } from './validate-common.ts';
import type { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import type { DisableEndpointRequest, EnableEndpointRequest } from '@postrider/contract/postrider/v1/endpoint_service';
import type { Method, ServiceContext } from './call.ts';

export function enableEndpoint({ writer, verifier, reach }: ServiceContext): Method<EnableEndpointRequest, Endpoint> {
  return async ({ name, etag }, caller) => {
    parseEndpointName(name, 'name');
    const written = await writer.change(caller.actor, (change) => {
      const { config, endpoint } = currentEndpoint(change.snapshot, name);
      checkEtag(etag, endpoint);
      if (endpoint.state === EndpointState.ENABLED) return shownEndpoint(config);
      checkNotHeld(endpoint, reach, `${name} is disabled`);
      const owesProof = config.verificationSince !== '';
      const cancels = endpoint.pending === PendingPolicy.CANCEL;
      const next = {
        ...endpoint,
        state: EndpointState.ENABLED,
        disableReason: DisableReason.UNSPECIFIED,
        pending: PendingPolicy.UNSPECIFIED,
        heldByInstallation: false,
        enableTime: owesProof ? endpoint.enableTime : change.now,
      };
      // However far the dispatchers have come with cancelling: what was pending is not sent after all.
      // One that still has to prove that it wants events is asked anew.
      return putChanged(change, config, next, { cancels, proof: owesProof ? 'ask' : 'keep' });
    });
    verifier.written(written);
    return written;
  };
}

export function disableEndpoint({ writer, reach }: ServiceContext): Method<DisableEndpointRequest, Endpoint> {
  return ({ name, etag, pending: asked }, caller) => {
    parseEndpointName(name, 'name');
    const violations = createViolations();
    checkKnown(violations, 'pending', asked);
    rejectViolations(violations.list);
    const pending = asked === PendingPolicy.UNSPECIFIED ? PendingPolicy.KEEP : asked;
    return writer.change(caller.actor, (change) => {
      const { config, endpoint } = currentEndpoint(change.snapshot, name);
      checkEtag(etag, endpoint);
      const disabled = endpoint.state === EndpointState.DISABLED;
      const heldByInstallation = endpoint.heldByInstallation || reach === 'all';
      const isSame = endpoint.pending === pending && endpoint.heldByInstallation === heldByInstallation;
      if (disabled && isSame) return shownEndpoint(config);
      return putChanged(change, config, {
        ...endpoint,
        state: EndpointState.DISABLED,
        disableReason: disabled ? endpoint.disableReason : DisableReason.REQUESTED,
        pending,
        heldByInstallation,
        disableTime: disabled ? endpoint.disableTime : change.now,
      });
    });
  };
}
