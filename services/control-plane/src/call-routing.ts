import { status } from '@grpc/grpc-js';
import { ErrorInfo } from '@postrider/contract/google/rpc/error_details';
import { Status } from '@postrider/contract/google/rpc/status';
import { accessRule, invalidArgument, isPostriderError, parseRevision, PostriderError } from '@postrider/core';
import { pause } from '@postrider/kafka';
import { atMost } from './at-most.ts';
import { ForwardedError, STATUS_DETAILS_TRAILER, toServiceError } from './grpc-status.ts';
import { serverLimits } from './server-limits.ts';
import type { Metadata, ServerUnaryCall, ServiceError } from '@grpc/grpc-js';
import type { ConfigView } from '@postrider/config-view';
import type { Clock, MethodName } from '@postrider/core';
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

/** What they show is shown once: repeated behind the caller's back, they would answer without it. */
const showsOnce: ReadonlySet<MethodName> = new Set(['CreateApiKey', 'CreateEndpoint', 'RotateSecret']);

/** Any call of a client, as grpc-js serves it. */
export type RoutedCall<Request> = Pick<
  ServerUnaryCall<Request, unknown>,
  'request' | 'metadata' | 'getPath' | 'getPeer' | 'getDeadline' | 'getAuthContext' | 'cancelled'
>;

export interface Routed<Response> {
  readonly response: Response;
  readonly revision: string;
}

/** Decides which replica answers a call. */
export interface CallRouting {
  /**
   * Resolves when the configuration here has the revision that the call asks for.
   * @throws PostriderError `unavailable` when it has not in time, or too many wait, `invalid_argument` when that is no revision
   */
  untilRevision(metadata: Metadata, deadlineMs: number): Promise<void>;
  /**
   * Answers reads and publishing here, and writes by the leader: here, or by passing the call on to it, once. While there is no leader it
   * waits for one.
   * @throws PostriderError `not_leader` when there was none in time, `read_only`; ForwardedError what the leader said
   */
  answer<Request, Response>(
    method: MethodName,
    call: RoutedCall<Request>,
    here: () => Response | Promise<Response>,
  ): Promise<Routed<Response>>;
}

/** Routes by who leads, as the view and the seat tell. */
export function createCallRouting(options: CallRoutingOptions): CallRouting {
  return new Routing(options);
}

class Routing implements CallRouting {
  readonly #options: CallRoutingOptions;
  /** Writes that have no answer yet. */
  #waiting = 0;
  /** Waits until a revision that a call asks for has come, or until the deadline, ms. */
  readonly #whenReached: (revision: string, timeoutMs: number) => Promise<boolean>;

  constructor(options: CallRoutingOptions) {
    this.#options = options;
    const refusal = 'too many calls are waiting for a newer configuration; try again later';
    this.#whenReached = atMost(serverLimits.revisionWaitsMax, options.view.whenReached, refusal);
  }

  get #revision(): string {
    return this.#options.view.snapshot().revision;
  }

  async untilRevision(metadata: Metadata, deadlineMs: number): Promise<void> {
    const { view } = this.#options;
    const [given] = metadata.get(MIN_REVISION_METADATA);
    const wanted = String(given ?? '');
    if (view.reached(wanted)) return;
    if (parseRevision(wanted) === null) {
      const description = 'must be a revision that an answer has told';
      throw invalidArgument([{ field: MIN_REVISION_METADATA, description }]);
    }
    if (await this.#whenReached(wanted, Math.min(deadlineMs, serverLimits.revisionWaitMs))) return;
    const text = `this replica has read the configuration up to revision ${this.#revision} only; try again`;
    throw new PostriderError('unavailable', text);
  }

  async answer<Request, Response>(
    method: MethodName,
    call: RoutedCall<Request>,
    here: () => Response | Promise<Response>,
  ): Promise<Routed<Response>> {
    const effect = accessRule(method)?.effect;
    if (effect === 'read' || effect === 'publish') {
      // What comes while it is being answered may not be in the answer.
      const revision = this.#revision;
      return { response: await here(), revision };
    }
    if (this.#options.readOnly) {
      throw new PostriderError('read_only', 'this replica takes no changes: it was started with POSTRIDER_READ_ONLY');
    }
    if (this.#waiting >= serverLimits.forwardsMax) {
      throw new PostriderError('unavailable', 'too many changes are waiting; try again later');
    }
    this.#waiting += 1;
    try {
      return await this.#answerByLeader(method, call, here);
    } finally {
      this.#waiting -= 1;
    }
  }

  async #answerByLeader<Request, Response>(
    method: MethodName,
    call: RoutedCall<Request>,
    here: () => Response | Promise<Response>,
  ): Promise<Routed<Response>> {
    const { clock } = this.#options;
    const until = clock.monotonic() + Math.min(serverLimits.leaderWaitMs, leftOf(call, clock));
    const isRepeatable = hasRequestId(call.request) && !wasForwarded(call) && !showsOnce.has(method);
    // What is told in the end: once a try may have taken effect, a later one that did not says nothing about that.
    let lastly: PostriderError | null = null;
    for (;;) {
      const routed = await this.#tryOnce(call, here).catch((error: unknown) => {
        if (!isRepeatable || toServiceError(error).code !== status.UNAVAILABLE) throw error;
        // Whoever leads next tells by the id whether it took effect.
        if (!isPostriderError(error, 'outcome_unknown')) throw lastly ?? error;
        lastly = error;
        return null;
      });
      if (routed !== null) return routed;
      if (wasForwarded(call) || call.cancelled || clock.monotonic() >= until) throw lastly ?? noLeader();
      await pause(clock, serverLimits.leaderAskEveryMs);
    }
  }

  /** One try; null: there is no leader that could be asked, and nothing was written. */
  async #tryOnce<Request, Response>(
    call: RoutedCall<Request>,
    here: () => Response | Promise<Response>,
  ): Promise<Routed<Response> | null> {
    const { view, leadership, processId } = this.#options;
    const because = leadership.readOnlyBecause();
    if (because !== null) throw new PostriderError('read_only', because);
    if (leadership.leads()) {
      try {
        return { response: await here(), revision: this.#revision };
      } catch (error) {
        if (isPostriderError(error, 'not_leader')) return null;
        throw error;
      }
    }
    const { writer } = view.snapshot();
    const isAnother = writer !== null && writer.processId !== processId && writer.address !== '';
    return isAnother && !wasForwarded(call) ? this.#passOn(writer.address, call) : null;
  }

  async #passOn<Request, Response>(address: string, call: RoutedCall<Request>): Promise<Routed<Response> | null> {
    const { view, forward } = this.#options;
    // A leader that stands still says nothing; that another one leads is heard all the same.
    const moved = new AbortController();
    const stopWatching = view.onChange((changes) => {
      if (changes.some(({ kind }) => kind === 'writer')) moved.abort();
    });
    try {
      const routed = await forward.to<Request, Response>(address, call, moved.signal);
      // Who reads here what was written through here finds it.
      if (routed !== null) await view.whenReached(routed.revision, serverLimits.readBackMs);
      return routed;
    } catch (error) {
      // A leader of an older version does not know the method, and has done nothing.
      if ((error as ServiceError).code === status.UNIMPLEMENTED) throw new ForwardedError(error as ServiceError);
      const reason = reasonOf(error as ServiceError);
      if (reason === 'NOT_LEADER') return null;
      if (reason !== null && reason !== 'OUTCOME_UNKNOWN') throw new ForwardedError(error as ServiceError);
      const text = 'the leader was lost before it answered; whether the change took effect is unknown';
      throw new PostriderError('outcome_unknown', text, { cause: error });
    } finally {
      stopWatching();
    }
  }
}

function wasForwarded({ metadata }: Pick<RoutedCall<unknown>, 'metadata'>): boolean {
  return metadata.get(FORWARDED_METADATA).length > 0;
}

/** How long the caller still waits, ms: no longer than any call may take, also when it said nothing. */
export function leftOf(call: Pick<RoutedCall<unknown>, 'getDeadline'>, clock: Clock): number {
  const deadline = call.getDeadline();
  const left = (deadline instanceof Date ? deadline.getTime() : deadline) - clock.now();
  return Math.max(0, Math.min(left, serverLimits.callDeadlineMs));
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
