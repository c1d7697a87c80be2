import { bearerAuthorization, maskReflected, type Clock, type Secret } from '@postrider/core';
import type { EgressLimits } from './limits.ts';
import { targetOf, tenantOf, type EgressRequest, type OAuthClient } from './request.ts';
import type { EgressResult, FailureCause } from './result.ts';
import { readTokenAnswer } from './token-answer.ts';

/** What a request for an access token waits for before it is sent. */
export interface TokenTurn {
  /** Host of the token URL. */
  readonly host: string;
  readonly tenant: string;
  /** Waits no longer. */
  readonly withinMs: number;
}

/** Calls `done` once: whether the request for a token may be sent, or its turn did not come in time. */
export type AwaitTokenTurn = (turn: TokenTurn, done: (granted: boolean) => void) => void;

type Done = (result: EgressResult) => void;
type Send = (request: EgressRequest, done: Done) => void;

/** A request that needs a token, and when it came (monotonic ms). */
interface Waiting {
  readonly request: EgressRequest;
  readonly done: Done;
  readonly since: number;
}

/** The token of one endpoint. */
interface Held {
  readonly client: OAuthClient;
  token: Secret | null;
  /** Monotonic ms. */
  usableUntil: number;
  /** An answer of 401 or 403 drops the token: not if it came in place of a dropped one and has never been accepted. */
  mayDrop: boolean;
  /** Why there is no token, and until when nobody asks again (monotonic ms). */
  failure: { readonly cause: FailureCause; readonly until: number } | null;
  /** What waits for the token that has been asked for; null: none has. */
  waiting: Waiting[] | null;
}

const form = ['content-type', 'application/x-www-form-urlencoded', 'accept', 'application/json'] as const;

/** What sending with tokens needs. */
export interface TokenSendOptions {
  readonly clock: Clock;
  readonly limits: EgressLimits;
  /** Asked before each request for a token. Absent: none waits. */
  readonly awaitTurn?: AwaitTokenTurn | undefined;
}

const noTurn: FailureCause = {
  code: 'token_deferred',
  owner: 'ours',
  message: 'the destination of the token URL is sent as much as it may be',
};

/**
 * Sends requests with an access token that is got by OAuth 2.0 client credentials (RFC 6749 §4.4) and kept until shortly
 * before it expires. One token is asked for at a time per endpoint; what comes meanwhile waits for it, within its own
 * deadline. The token URL is reached like the endpoint: same guard, same TLS settings, connections of its own.
 */
export function createTokenSend(
  send: Send,
  { clock, limits, awaitTurn }: TokenSendOptions,
): (request: EgressRequest, client: OAuthClient, done: Done) => void {
  /** By pool key; of those nobody waits for, the one got longest ago goes first. */
  const holds = new Map<string, Held>();

  const sendWith = (held: Held, token: Secret, { request, done, since }: Waiting): void => {
    const waitedMs = clock.monotonic() - since;
    const { headers, totalDeadlineMs } = request;
    const authorized = [...headers, 'authorization', bearerAuthorization(token).reveal()];
    send({ ...request, headers: authorized, totalDeadlineMs: totalDeadlineMs - waitedMs }, (result) => {
      learn(held, token, result);
      // An endpoint may send back what it was shown.
      const told = result.kind === 'failure' ? result : maskReflected(result, [token]);
      done(waitedMs === 0 ? told : later(told, waitedMs));
    });
  };

  const ask = (held: Held, request: EgressRequest, totalDeadlineMs: number): void => {
    const askedAt = clock.monotonic();
    send(
      { ...tokenRequest(request, held.client), totalDeadlineMs, excerptBytes: limits.tokenAnswerBytes },
      (result) => {
        const answer = readTokenAnswer(result, limits);
        if (!('token' in answer)) return giveUp(held, answer, clock.monotonic(), limits.tokenAgainMs);
        const waiting = held.waiting ?? [];
        held.waiting = null;
        held.token = answer.token;
        held.usableUntil = askedAt + answer.usableMs;
        for (const one of waiting) sendWith(held, answer.token, one);
      },
    );
  };

  const refresh = (held: Held, { request, since }: Waiting): void => {
    // At least half of the time is left for the request itself.
    const mostMs = Math.min(limits.tokenMs, request.totalDeadlineMs / 2);
    if (awaitTurn === undefined) return ask(held, request, mostMs);
    const turn = {
      host: targetOf(new URL(held.client.origin)).host,
      tenant: tenantOf(request.poolKey),
      withinMs: mostMs / 2,
    };
    awaitTurn(turn, (granted) => {
      if (granted) ask(held, request, mostMs - (clock.monotonic() - since));
      else giveUp(held, noTurn, clock.monotonic(), limits.tokenAgainMs);
    });
  };

  return (request, client, done) => {
    const now = clock.monotonic();
    const held = heldFor(holds, request.poolKey, client, limits.endpointsMax);
    const waiting = { request, done, since: now };
    if (held.token !== null && now < held.usableUntil) return sendWith(held, held.token, waiting);
    if (held.waiting !== null) return void held.waiting.push(waiting);
    if (held.failure !== null && now < held.failure.until) {
      const { cause } = held.failure;
      return queueMicrotask(() => done(failureOf(cause, 0)));
    }
    held.token = held.failure = null;
    held.waiting = [waiting];
    refresh(held, waiting);
  };
}

/** There is no token (`now`: monotonic ms): whoever waits for it ends with why, and after an endpoint's failure so do others. */
function giveUp(held: Held, cause: FailureCause, now: number, againMs: number): void {
  const waiting = held.waiting ?? [];
  held.waiting = null;
  if (cause.owner === 'endpoint') held.failure = { cause, until: now + againMs };
  // Each by itself: what one of them throws must not keep the others from their results.
  for (const { done, since } of waiting) queueMicrotask(() => done(failureOf(cause, now - since)));
}

/** What is held for this client of the endpoint, which is nothing yet if the client has changed. */
function heldFor(holds: Map<string, Held>, key: string, client: OAuthClient, most: number): Held {
  const known = holds.get(key);
  // The same client is the same object as long as nothing about the endpoint has changed.
  if (known?.client === client) return known;
  const held: Held = { client, token: null, usableUntil: 0, mayDrop: true, failure: null, waiting: null };
  holds.delete(key);
  holds.set(key, held);
  for (const [other, { waiting }] of holds) {
    if (holds.size <= most) break;
    if (waiting === null && other !== key) holds.delete(other);
  }
  return held;
}

/** An endpoint that refuses every token must not make us ask for one with every request. */
function learn(held: Held, token: Secret, result: EgressResult): void {
  if (result.kind === 'failure' || held.token !== token) return;
  if (result.status !== 401 && result.status !== 403) held.mayDrop = true;
  else if (held.mayDrop) {
    held.token = null;
    held.mayDrop = false;
  }
}

function tokenRequest(request: EgressRequest, { origin, path, clientId, clientSecret, scopes }: OAuthClient) {
  const body = new URLSearchParams({ grant_type: 'client_credentials' });
  if (scopes.length > 0) body.set('scope', scopes.join(' '));
  // RFC 6749 §2.3.1: both parts are form-encoded first. Every server must understand this way of showing them.
  const pair = `${formEncoded(clientId)}:${formEncoded(clientSecret.reveal())}`;
  const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  const agent = request.headers.findIndex((name, index) => index % 2 === 0 && name === 'user-agent');
  const userAgent = agent < 0 ? [] : ['user-agent', request.headers[agent + 1] ?? ''];
  return {
    ...request,
    method: 'POST' as const,
    origin,
    path,
    headers: [...form, 'accept-encoding', 'identity', ...userAgent, 'authorization', authorization],
    body: Buffer.from(body.toString()),
    poolKey: `${request.poolKey} token`,
    maxSockets: 1,
  };
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

function later(result: EgressResult, byMs: number): EgressResult {
  const { firstByteMs, totalMs } = result.timings;
  const shifted = firstByteMs === undefined ? {} : { firstByteMs: firstByteMs + byMs };
  return { ...result, timings: { ...result.timings, ...shifted, totalMs: totalMs + byMs } };
}

function failureOf(cause: FailureCause, totalMs: number): EgressResult {
  return { kind: 'failure', ...cause, timings: { totalMs } };
}
