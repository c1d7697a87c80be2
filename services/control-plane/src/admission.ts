import { invalidArgument } from '@postrider/core';
import { leftOf } from './call-routing.ts';
import { authorize } from './permissions.ts';
import { UnreadRequest } from './unread-request.ts';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import type { MethodName, Reach } from '@postrider/core';
import type { ServiceContext } from './call.ts';
import type { Principal } from './permissions.ts';
import type { Entrance } from './server/entrance.ts';

/** What every kind of call has. */
export type AnyCall = Pick<
  ServerUnaryCall<unknown, unknown>,
  'request' | 'metadata' | 'getPeer' | 'getPath' | 'getDeadline' | 'getAuthContext'
>;

export interface Admitted {
  readonly caller: Principal;
  readonly reach: Reach;
}

/**
 * Lets a call in, as one of a caller who sees this much. Default deny. `known` is told who calls as soon as that is known.
 * @throws PostriderError what speaks against it
 */
export type Admit = (name: MethodName, call: AnyCall, known: (caller: Principal) => void) => Promise<Admitted>;

/** Of calls that have come in by the entrance. */
export function createAdmission({ routing, clock }: ServiceContext, entrance: Pick<Entrance, 'entered'>): Admit {
  return async (name, call, known) => {
    const entered = entrance.entered(call.metadata);
    known(entered.caller);
    if (call.request instanceof UnreadRequest) throw invalidArgument([call.request.problem]);
    await routing.untilRevision(call.metadata, leftOf(call, clock));
    // What was waited for, the request or a revision, may be what the caller may do.
    const caller = await entered.now();
    known(caller);
    return { caller, reach: authorize(name, caller, call.request) };
  };
}
