import type { MethodName, RandomBytes } from '@postrider/core';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import type { ServiceContext } from '../call.ts';
import type { Principal } from '../permissions.ts';

/** Metadata of a call that another replica has passed on: where it came from. */
export const FORWARDED_FOR_METADATA = 'postrider-forwarded-for';

/** The call that a change was made by, as the audit tells it. */
export interface AuditOrigin {
  readonly method: string;
  /** The same for whatever the call does. */
  readonly callId: string;
  readonly credential: string;
  readonly requestId: string;
  readonly peer: string;
  readonly forwardedFor: string;
}

/** What callers say of themselves is kept up to this many characters. */
const TOLD_CHARS_MAX = 128;

export function originOf(
  method: MethodName,
  call: Pick<ServerUnaryCall<unknown, unknown>, 'request' | 'metadata' | 'getPeer'>,
  { credential = '' }: Pick<Principal, 'credential'>,
  random: RandomBytes,
): AuditOrigin {
  const { requestId } = call.request as { readonly requestId?: unknown };
  const forwardedFor = String(call.metadata.get(FORWARDED_FOR_METADATA)[0] ?? '').slice(0, TOLD_CHARS_MAX);
  return {
    ...{ method, callId: newCallId(random), credential, forwardedFor, peer: call.getPeer() },
    requestId: typeof requestId === 'string' ? requestId.slice(0, TOLD_CHARS_MAX) : '',
  };
}

/** What a method works with when whatever it changes is to be told as this call's. No method can forget it. */
export function auditedContext(context: ServiceContext, origin: AuditOrigin): ServiceContext {
  const { writer } = context;
  return { ...context, writer: { change: (actor, plan) => writer.change(actor, plan, origin) } };
}

export function newCallId(random: RandomBytes): string {
  return random(8).toString('hex');
}
