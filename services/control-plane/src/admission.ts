import { accessRule, invalidArgument } from '@postrider/core';
import { createCallRates } from './call-rates.ts';
import { leftOf } from './call-routing.ts';
import { authorize } from './permissions.ts';
import { strangerAt } from './stranger.ts';
import { UnreadRequest } from './unread-request.ts';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import type { MethodName, Reach } from '@postrider/core';
import type { ServiceContext } from './call.ts';
import type { Principal } from './permissions.ts';
import type { Shown } from './tls/shown.ts';

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

/** One for all methods: callers' rates are counted over all of them. */
export function createAdmission({ authenticate, showing, clock, routing }: ServiceContext): Admit {
  const rates = createCallRates(clock);
  return async (name, call, known) => {
    const isForAnyone = accessRule(name)?.anyone === true;
    const identify = (shown: Shown): Principal | Promise<Principal> => {
      const isStranger = isForAnyone && call.metadata.get('authorization').length === 0 && shown.certificate() === null;
      return isStranger ? strangerAt(call.getPeer()) : authenticate(shown);
    };
    const shown = showing.shownBy(call);
    // Nobody waits here who is not known.
    let caller = await identify(shown);
    known(caller);
    rates.take(caller);
    if (call.request instanceof UnreadRequest) throw invalidArgument([call.request.problem]);
    // What was waited for may be what the caller may do.
    if (await routing.untilRevision(call.metadata, leftOf(call, clock))) caller = await identify(shown);
    known(caller);
    return { caller, reach: authorize(name, caller, call.request) };
  };
}
