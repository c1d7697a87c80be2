import { ErrorInfo } from '@postrider/contract/google/rpc/error_details';
import { Status } from '@postrider/contract/google/rpc/status';
import { accessRule, invalidArgument, isPostriderError, parseRevision, PostriderError } from '@postrider/core';
import { pause } from '@postrider/kafka';
import { ForwardedError, STATUS_DETAILS_TRAILER } from './grpc-status.ts';
import { serverLimits } from './server-limits.ts';
import type { Metadata, ServerUnaryCall, ServiceError } from '@grpc/grpc-js';
import type { ConfigView } from '@postrider/config-view';
import type { Clock } from '@postrider/core';
import type { ForwardCall } from './forward-call.ts';
import type { Leadership } from './leadership.ts';

/** Metadata: a read waits until the configuration that it is answered from has this revision. */
export const MIN_REVISION_METADATA = 'postrider-min-revision';
/** Trailer of every answer: the revision of the configuration that it was answered from; of a write: that has it. */
export const REVISION_TRAILER = 'postrider-revision';
/** Metadata: another replica has passed the call on, so it goes no further. */
export const FORWARDED_METADATA = 'postrider-forwarded-by';

export interface CallRoutingOptions {
  readonly view: Pick<ConfigView, 'snapshot' | 'whenReached' | 'reached' | 'onChange'>;
  readonly leadership: Pick<Leadership, 'leads' | 'readOnlyBecause'>;
  readonly forward: ForwardCall;
  readonly processId: string;
  /** No changes are taken, by the operator's order. */
  readonly readOnly: boolean;
  readonly clock: Clock;
}

/** Any call of a client, as grpc-js serves it. */
export type RoutedCall<Request> = Pick<
  ServerUnaryCall<Request, unknown>,
  'request' | 'metadata' | 'getPath' | 'getDeadline' | 'cancelled'
>;

export interface Routed<Response> {
  readonly response: Response;
  readonly revision: string;
}

/** Decides which replica answers a call. */
export interface CallRouting {
  /**
   * Resolves when the configuration here has the revision that the call asks for.
   * @throws PostriderError `unavailable` when it has not in time, `invalid_argument` when that is no revision
   */
  untilRevision(metadata: Metadata, deadlineMs: number): Promise<void>;
  /**
   * Answers reads here, and writes by the leader: here, or by passing the call on to it, once. While there is no leader it
   * waits for one.
   * @throws PostriderError `not_leader` when there was none in time, `read_only`; ForwardedError what the leader said
   */
  answer<Request, Response>(
    method: string,
    call: RoutedCall<Request>,
    here: () => Response | Promise<Response>,
  ): Promise<Routed<Response>>;
}

/** Routes by who leads, as the view and the seat tell. */
export function createCallRouting(options: CallRoutingOptions): CallRouting {
  const { view, leadership, forward, processId, readOnly, clock } = options;
  let waiting = 0;
  const revisionHere = (): string => view.snapshot().revision;

  /** One try; null: there is no leader that could be asked, and nothing was written. */
  async function tryOnce<Request, Response>(
    call: RoutedCall<Request>,
    here: () => Response | Promise<Response>,
  ): Promise<Routed<Response> | null> {
    const because = leadership.readOnlyBecause();
    if (because !== null) throw new PostriderError('read_only', because);
    if (leadership.leads()) {
      try {
        return { response: await here(), revision: revisionHere() };
      } catch (error) {
        if (isPostriderError(error, 'not_leader')) return null;
        throw error;
      }
    }
    const { writer } = view.snapshot();
    const isAnother = writer !== null && writer.processId !== processId && writer.address !== '';
    if (!isAnother || call.metadata.get(FORWARDED_METADATA).length > 0) return null;
    // A leader that stands still says nothing; that another one leads is heard all the same.
    const moved = new AbortController();
    const stopWatching = view.onChange((changes) => {
      if (changes.some(({ kind }) => kind === 'writer')) moved.abort();
    });
    try {
      const routed = await forward.to<Request, Response>(writer.address, call, moved.signal);
      // Who reads here what was written through here finds it.
      if (routed !== null) await view.whenReached(routed.revision, serverLimits.retryAfterMs);
      return routed;
    } catch (error) {
      const reason = reasonOf(error as ServiceError);
      if (reason === 'NOT_LEADER') return null;
      if (reason !== null && reason !== 'OUTCOME_UNKNOWN') throw new ForwardedError(error as ServiceError);
      const text = 'the leader was lost before it answered; whether the change took effect is unknown';
      throw new PostriderError('outcome_unknown', text, { cause: error });
    } finally {
      stopWatching();
    }
  }

  async function answerByLeader<Request, Response>(
    call: RoutedCall<Request>,
    here: () => Response | Promise<Response>,
  ): Promise<Routed<Response>> {
    const wasForwarded = call.metadata.get(FORWARDED_METADATA).length > 0;
    const until = clock.monotonic() + Math.min(serverLimits.leaderWaitMs, leftOf(call, clock));
    for (;;) {
      const routed = await tryOnce(call, here).catch((error: unknown) => {
        // Whoever leads next tells by the id whether it took effect.
        if (isPostriderError(error, 'outcome_unknown') && hasRequestId(call.request) && !wasForwarded) return null;
        throw error;
      });
      if (routed !== null) return routed;
      if (wasForwarded || call.cancelled || clock.monotonic() >= until) throw noLeader();
      await pause(clock, serverLimits.leaderAskEveryMs);
    }
  }

  return {
    async untilRevision(metadata, deadlineMs) {
      const [wanted] = metadata.get(MIN_REVISION_METADATA);
      if (wanted === undefined || view.reached(String(wanted))) return;
      if (parseRevision(String(wanted)) === null) {
        const description = 'must be a revision that an answer has told';
        throw invalidArgument([{ field: MIN_REVISION_METADATA, description }]);
      }
      const timeoutMs = Math.min(deadlineMs, serverLimits.revisionWaitMs);
      if (await view.whenReached(String(wanted), timeoutMs)) return;
      const text = `this replica has read the configuration up to revision ${revisionHere()} only; try again`;
      throw new PostriderError('unavailable', text);
    },
    async answer(method, call, here) {
      if (accessRule(method)?.effect === 'read') return { response: await here(), revision: revisionHere() };
      if (readOnly) {
        throw new PostriderError('read_only', 'this replica takes no changes: it was started with POSTRIDER_READ_ONLY');
      }
      if (waiting >= serverLimits.forwardsMax) throw new PostriderError('unavailable', 'too many changes are waiting');
      waiting += 1;
      try {
        return await answerByLeader(call, here);
      } finally {
        waiting -= 1;
      }
    },
  };
}

/** How long the caller still waits, ms; Infinity when it said nothing. */
export function leftOf(call: Pick<RoutedCall<unknown>, 'getDeadline'>, clock: Clock): number {
  const deadline = call.getDeadline();
  return Math.max(0, (deadline instanceof Date ? deadline.getTime() : deadline) - clock.now());
}

function hasRequestId(request: unknown): boolean {
  const { requestId } = request as { readonly requestId?: unknown };
  return typeof requestId === 'string' && requestId !== '';
}

/** The cause that another replica names; null: it is no replica's answer, the connection broke. */
function reasonOf({ metadata }: ServiceError): string | null {
  const [trailer] = metadata?.get(STATUS_DETAILS_TRAILER) ?? [];
  if (!Buffer.isBuffer(trailer)) return null;
  const info = Status.decode(trailer).details.find(({ typeUrl }) => typeUrl.endsWith('google.rpc.ErrorInfo'));
  return info === undefined ? null : ErrorInfo.decode(info.value).reason;
}

function noLeader(): PostriderError {
  return new PostriderError('not_leader', 'no replica leads at the moment; nothing was written: try again');
}
