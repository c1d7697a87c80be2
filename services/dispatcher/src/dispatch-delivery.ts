import {
  PostriderError,
  boundRetryAfterMs,
  classify as classifyResult,
  decide as decideNext,
  handshakeHeaders,
  judgeProof,
  maskReflected,
  requestHeaders,
  resolveRetryPolicy,
  sign,
  stepBefore,
  type AttemptResult,
  type Clock,
  type Decision,
  type DeliveryView,
  type RandomFraction,
  type ResolvedRetryPolicy,
  type Verdict,
} from '@postrider/core';
import { VerificationMode } from '@postrider/contract/postrider/v1/endpoint';
import { isVerification } from './proofs.ts';
import type { Stage } from './fault-events.ts';
import type { Faults } from './faults.ts';
import type { OAuthClient, TlsIdentity } from '@postrider/egress';
import type { Credentials } from './endpoint-credentials.ts';
import type { ActiveKeys, PreparedEndpoint } from './endpoint-cache.ts';
import type { Reign } from './reign.ts';
import type { StoredDelivery } from './waiting-store.ts';
import type { Work } from './work.ts';

/** One request as the door to the internet takes it. */
export interface SendRequest {
  readonly method: 'POST' | 'OPTIONS';
  readonly origin: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly oauth2: OAuthClient | undefined;
  readonly tls: TlsIdentity | undefined;
  readonly body: Buffer;
  readonly totalDeadlineMs: number;
  readonly poolKey: string;
  /** Name of the egress pool. */
  readonly pool: string;
  readonly maxSockets: number;
  readonly mayStart: () => boolean;
}

/** What came of it, with what attempts keep besides. */
export type SendResult = AttemptResult & {
  readonly timings: { readonly connectMs?: number; readonly firstByteMs?: number; readonly totalMs: number };
  readonly excerpt?: Buffer;
  readonly excerptTruncated?: boolean;
  readonly sourceAddress?: string;
};

/** Sends one request; `done` is called exactly once, never before `send` returns. */
export type Send = (request: SendRequest, done: (result: SendResult) => void) => void;

/** A delivery that has taken off. */
export interface Flight {
  readonly work: Work;
  readonly view: DeliveryView;
  readonly delivery: StoredDelivery;
  readonly endpoint: PreparedEndpoint;
  /** It is not in flight any more: called when its outcome is published. */
  readonly ended: () => void;
}

/** An attempt that is about to be made. */
export interface Prepared {
  readonly flight: Flight;
  /** Number of this attempt, from 1. */
  readonly number: number;
  /** ms since the Unix epoch. */
  readonly startedAt: number;
  readonly headers: readonly string[];
  readonly keyId: string;
  readonly credentials: Credentials | null;
  /** It asks whether the endpoint wants events, without a body: the OPTIONS handshake of CloudEvents. */
  readonly handshake: boolean;
  /** Null: it can be sent. Otherwise what keeps it from being sent. */
  readonly refusal: SendResult | null;
}

export interface Sent {
  readonly prepared: Prepared;
  readonly result: SendResult;
  /** ms since the Unix epoch. */
  readonly endedAt: number;
}

export interface Classified {
  readonly sent: Sent;
  readonly verdict: Verdict;
  /** Of a verification: requests per minute that the endpoint agrees to; null: it names no number. */
  readonly allowedPerMinute: number | null;
}

export interface Decided {
  readonly classified: Classified;
  readonly decision: Decision;
}

/** What the stages need of the process and of the reign. */
export interface DispatchOptions {
  readonly clock: Clock;
  readonly random: RandomFraction;
  readonly send: Send;
  /** Whether a failure is the endpoint's or our own: what all attempts tell together. */
  readonly judge: (classified: Classified) => Classified;
  readonly userAgent: string;
  /** Who asks an endpoint for permission: a host name. */
  readonly origin: string;
  readonly reign: Reign;
  /** A stage threw. */
  readonly failed: Faults['failed'];
  /** Called as soon as an endpoint has taken a delivery, long before that is on record. */
  readonly taken: (workKey: string) => void;
  /** The last stage: writes what follows from the decision. */
  readonly publish: (decided: Decided) => void;
}

/** Makes one attempt: prepare → send → classify → decide → publish. */
export type Dispatch = (flight: Flight) => void;

const askingPolicy = resolveRetryPolicy(undefined);
const noBody = Buffer.alloc(0);

/** The five stages over one reign. */
export function createDispatch(options: DispatchOptions): Dispatch {
  return (flight) => {
    let stage: Stage = 'prepare';
    let over = false;
    const fail = (error: unknown): void => {
      over = true;
      options.failed(flight.work, stage, error);
      flight.ended();
    };
    const settle = (sent: Sent): void => {
      if (over) return;
      try {
        stage = 'classify';
        const classified = options.judge(classify(options, withoutSecrets(sent)));
        stage = 'decide';
        const decided = decide(options, classified);
        // A proof that could not be told is asked for again: it is worth nothing untold.
        if (decided.decision.kind === 'done' && !isVerification(flight.view)) options.taken(flight.work.key);
        stage = 'publish';
        options.publish(decided);
        flight.ended();
      } catch (error) {
        fail(error);
      }
    };
    try {
      const prepared = prepare(options, flight);
      stage = 'send';
      sendPrepared(options, prepared, settle);
    } catch (error) {
      fail(error);
    }
  };
}

function prepare({ clock, userAgent, origin }: DispatchOptions, flight: Flight): Prepared {
  const startedAt = clock.now();
  const { view, endpoint } = flight;
  if (endpoint.target.kind === 'deny') {
    return notSent(flight, startedAt, refused('blocked_url', 'endpoint', `The URL ${endpoint.target.detail}.`));
  }
  const { length: bytes } = flight.delivery.body;
  if (bytes > endpoint.bodyBytesMax) {
    const message = `The body has ${bytes} bytes; the endpoint is sent at most ${endpoint.bodyBytesMax}.`;
    return notSent(flight, startedAt, refused('blocked_body', 'endpoint', message));
  }
  // A newer version wrote it: what cannot be decrypted here waits for a process that can.
  if (view.bodyEncrypted) {
    const message = 'The body is encrypted, and this version cannot decrypt it.';
    return notSent(flight, startedAt, refused('body_encrypted', 'ours', message));
  }
  try {
    const active = endpoint.activeKeys(startedAt);
    const credentials = endpoint.credentials();
    if (credentials.tokenUrlDenied !== null) {
      const message = `The token URL ${credentials.tokenUrlDenied}.`;
      return notSent(flight, startedAt, refused('blocked_url', 'endpoint', message));
    }
    const handshake = isVerification(view) && endpoint.endpoint.verification === VerificationMode.CLOUDEVENTS;
    const headers = handshake
      ? ['user-agent', userAgent, 'accept', '*/*', 'accept-encoding', 'identity', ...handshakeHeaders(origin, endpoint)]
      : signedHeaders(flight, active, startedAt, userAgent);
    for (const { name, value } of credentials.headers) headers.push(name, value.reveal());
    const keyId = handshake ? '' : active.firstKeyId;
    return { flight, number: view.attempt + 1, startedAt, headers, keyId, credentials, handshake, refusal: null };
  } catch (error) {
    // Whatever keeps us from making the request is our doing: the endpoint has not even been asked.
    const code = error instanceof PostriderError ? error.code : 'internal';
    const message = 'The request could not be signed, or its credentials could not be opened.';
    return notSent(flight, startedAt, refused(code, 'ours', message));
  }
}

function notSent(flight: Flight, startedAt: number, refusal: SendResult): Prepared {
  const number = flight.view.attempt + 1;
  return { flight, number, startedAt, headers: [], keyId: '', credentials: null, handshake: false, refusal };
}

function signedHeaders(flight: Flight, active: ActiveKeys, now: number, userAgent: string): string[] {
  const { work, view, delivery, endpoint } = flight;
  const timestampSeconds = Math.floor(now / 1_000);
  return requestHeaders({
    webhookId: view.webhookId,
    timestampSeconds,
    signature: sign(active.keys, view.webhookId, timestampSeconds, delivery.body),
    contentType: view.contentType,
    userAgent,
    deliveryId: view.deliveryId,
    attemptNumber: view.attempt + 1,
    eventType: view.eventType,
    hopCount: view.hopCount,
    outOfOrder: endpoint.ordered && work.order === null,
    extra: endpoint.headers,
  });
}

function sendPrepared(options: DispatchOptions, prepared: Prepared, next: (sent: Sent) => void): void {
  const { clock, reign, send } = options;
  const { endpoint, delivery } = prepared.flight;
  const finish = (result: SendResult): void => {
    // No answer from before a lost reign changes anything.
    if (!reign.isOver()) next({ prepared, result, endedAt: clock.now() });
  };
  if (prepared.refusal !== null || endpoint.target.kind === 'deny') {
    const { refusal } = prepared;
    if (refusal !== null) clock.after(0, () => finish(refusal));
    return;
  }
  send(
    {
      method: prepared.handshake ? 'OPTIONS' : 'POST',
      origin: endpoint.target.origin,
      path: endpoint.target.path,
      headers: prepared.headers,
      oauth2: prepared.credentials?.oauth2,
      tls: prepared.credentials?.tls,
      body: prepared.handshake ? noBody : delivery.body,
      totalDeadlineMs: endpoint.timeoutMs,
      poolKey: endpoint.poolKey,
      pool: endpoint.pool,
      maxSockets: endpoint.concurrencyMax,
      mayStart: reign.mayAct,
    },
    finish,
  );
}

/** An endpoint may send back what it was shown. */
function withoutSecrets(sent: Sent): Sent {
  const { result, prepared } = sent;
  const shown = prepared.credentials?.shown ?? [];
  if (shown.length === 0 || result.kind === 'failure') return sent;
  return { ...sent, result: maskReflected(result, shown) };
}

function classify({ origin }: DispatchOptions, sent: Sent): Classified {
  const { result, endedAt, prepared } = sent;
  const { view, endpoint, delivery } = prepared.flight;
  if (!isVerification(view)) {
    return { sent, verdict: classifyResult(result, endpoint.statusPolicy, endedAt), allowedPerMinute: null };
  }
  const mode = prepared.handshake ? VerificationMode.CLOUDEVENTS : VerificationMode.CHALLENGE;
  // What the endpoint calls a success of a delivery is no consent.
  const verdict = classifyResult(result, undefined, endedAt);
  return { sent, ...judgeProof(mode, verdict, result, { origin, asked: delivery.body }) };
}

function decide({ random }: DispatchOptions, classified: Classified): Decided {
  const { sent, verdict } = classified;
  const { view, work, endpoint } = sent.prepared.flight;
  const gate = work.lane?.gate;
  const decision = decideNext({
    ...verdict,
    attempt: sent.prepared.number,
    internalFailures: view.internalFailures,
    policy: policyFor(view, endpoint.retry, sent.prepared.number),
    now: sent.endedAt,
    expiresAt: work.expiresAt,
    random,
    stops: work.order !== null && endpoint.stops,
  });
  // Another attempt that its endpoint, gone meanwhile, would only cancel is cancelled now.
  if (isNoEnd(decision) && gate?.kind === 'cancel') {
    return { classified, decision: { kind: 'cancelled', reason: gate.reason } };
  }
  return { classified, decision };
}

/** Whoever has not agreed to anything yet is asked at our pace, and no more often than the endpoint's own policy has attempts. */
function policyFor(view: DeliveryView, own: ResolvedRetryPolicy, attempt: number): ResolvedRetryPolicy {
  return isVerification(view) && stepBefore(own, attempt - 1) !== null ? askingPolicy : own;
}

/** It would wait. */
function isNoEnd({ kind }: Decision): boolean {
  return kind === 'retry' || kind === 'hold' || kind === 'stopped';
}

/** How long the endpoint asked its whole lane to pause (ms), within bounds; 0: not at all. */
export function pauseAskedMs({ sent, verdict }: Classified): number {
  if (verdict.retryAfterMs === null) return 0;
  const { flight, number } = sent.prepared;
  return boundRetryAfterMs(verdict.retryAfterMs, stepBefore(flight.endpoint.retry, number - 1));
}

function refused(code: string, owner: 'endpoint' | 'ours', message: string): SendResult {
  return { kind: 'failure', code, owner, message, timings: { totalMs: 0 } };
}
