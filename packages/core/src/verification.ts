import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { VerificationMode } from '@postrider/contract/postrider/v1/endpoint';
import type { AttemptResult } from './classify.ts';
import type { Verdict } from './model.ts';

/** `type` of the event that a verification is a delivery of. */
export const VERIFICATION_EVENT_TYPE = 'postrider.endpoint.verification';

const MINUTE_MS = 60_000;
const RATE_MAX = 2 ** 31;

/**
 * The headers by which the OPTIONS handshake asks for permission (CloudEvents HTTP 1.1 Web Hooks §4.1), flat.
 * @param origin who asks: a host name
 * @param limits the endpoint's own rate; without one none is asked for
 */
export function handshakeHeaders(
  origin: string,
  { rateCount, ratePeriodMs }: { readonly rateCount: number; readonly ratePeriodMs: number },
): string[] {
  const headers = ['webhook-request-origin', origin];
  if (rateCount > 0) headers.push('webhook-request-rate', String(perMinute(rateCount, ratePeriodMs)));
  return headers;
}

/**
 * Who asks: the host of the contact URL.
 * @param contactUrl as in `user-agent`; without one there is only our name to tell
 */
export function requestOrigin(contactUrl: string): string {
  const hostname = URL.parse(contactUrl)?.hostname ?? '';
  return hostname === '' ? 'postrider' : hostname;
}

/** A rate in whole requests per minute, at least one. */
export function perMinute(count: number, periodMs: number): number {
  return Math.max(1, Math.floor((count * MINUTE_MS) / periodMs));
}

/** The body of a challenge, and of the event of every verification. */
export function challengeBody(challenge: string): Buffer {
  return Buffer.from(JSON.stringify({ type: VERIFICATION_EVENT_TYPE, challenge }));
}

/** What a verification was answered: how it went, and the requests per minute that the endpoint agrees to; null: any. */
export interface Proof {
  readonly verdict: Verdict;
  readonly allowedPerMinute: number | null;
}

/**
 * Whether an answer that is a success says, too, that the endpoint wants events. A status alone says nothing: many servers
 * answer 200 to everything.
 * @param origin as it was asked with
 * @param asked body of the delivery, which holds the challenge
 */
export function judgeProof(
  mode: VerificationMode,
  verdict: Verdict,
  result: AttemptResult & { readonly excerpt?: Buffer },
  { origin, asked }: { readonly origin: string; readonly asked: Buffer },
): Proof {
  const unproved = { verdict, allowedPerMinute: null };
  if (verdict.outcome !== Outcome.DELIVERED || result.kind !== 'response') return unproved;
  if (mode === VerificationMode.CLOUDEVENTS) {
    const allowed = valuesOf(result.headers, 'webhook-allowed-origin');
    const isAllowed = allowed.some((one) => one === '*' || one.toLowerCase() === origin.toLowerCase());
    if (!isAllowed) return { ...unproved, verdict: refusal('The endpoint did not allow our origin.') };
    const allowedPerMinute = rateOf(valuesOf(result.headers, 'webhook-allowed-rate'));
    if (allowedPerMinute !== 'none') return { verdict, allowedPerMinute };
    return { ...unproved, verdict: refusal('The endpoint allows a rate that is neither a positive number nor `*`.') };
  }
  if (isAnswered(result.excerpt ?? Buffer.alloc(0), asked)) return unproved;
  return { ...unproved, verdict: refusal('The endpoint did not answer with the challenge alone.') };
}

function refusal(detail: string): Verdict {
  return { outcome: Outcome.REJECTED, code: 'verification_refused', detail, retryAfterMs: null, final: false };
}

function valuesOf(headers: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() !== name) continue;
    for (const value of (headers[index + 1] ?? '').split(',')) values.push(value.trim());
  }
  return values;
}

/**
 * Requests per minute; null: any. `*` and nothing are no limit, of several numbers the least holds. Whoever writes anything
 * else, `0` above all, has not said that we may send (CloudEvents HTTP 1.1 Web Hooks §4.2.2: a positive number or `*`).
 */
function rateOf(values: readonly string[]): number | null | 'none' {
  const named = values.filter((value) => value !== '' && value !== '*');
  if (!named.every((value) => /^0*[1-9]\d*$/.test(value))) return 'none';
  return named.length === 0 ? null : Math.min(RATE_MAX, ...named.map(Number));
}

/**
 * The answer is the challenge, bare or as the only member of a JSON object. The question has another member, so that what
 * sends back whatever it is sent has not answered.
 */
function isAnswered(answer: Buffer, asked: Buffer): boolean {
  const { challenge } = membersOf(asked.toString('utf8'));
  if (typeof challenge !== 'string' || challenge === '') return false;
  const text = answer.toString('utf8').trim();
  if (text === challenge) return true;
  const members = membersOf(text);
  return members['challenge'] === challenge && Object.keys(members).length === 1;
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
