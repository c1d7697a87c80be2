import { Secret } from '@postrider/core';
import type { EgressLimits } from './limits.ts';
import type { EgressResult, FailureCause } from './result.ts';

/** An access token and how long it may be used, counted from when it was asked for. */
export interface AccessToken {
  readonly token: Secret;
  readonly usableMs: number;
}

/** Printable ASCII without spaces: what may stand behind `Bearer`. RFC 6750 §2.1 allows less. */
const tokenText = /^[\x21-\x7e]+$/;

/**
 * Reads the answer of a token endpoint (RFC 6749 §5.1 and §5.2): the token, or why there is none. That is the endpoint's
 * doing, unless the request failed by ours or a shutdown's.
 */
export function readTokenAnswer(result: EgressResult, limits: EgressLimits): AccessToken | FailureCause {
  if (result.kind === 'failure') return failedRequest(result);
  const body = result.excerptTruncated ? null : jsonObject(result.excerpt);
  if (result.status < 200 || result.status > 299) {
    const { error } = body ?? {};
    const why = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` (${error})` : '';
    return failed(`the token endpoint answered ${result.status}${why}`);
  }
  if (body === null) return failed('the answer of the token endpoint is no JSON object, or is too long');
  const { access_token: token, token_type: type, expires_in: expiresIn } = body;
  if (typeof token !== 'string' || !tokenText.test(token)) return failed('the token endpoint gave no usable token');
  if (typeof type === 'string' && type.toLowerCase() !== 'bearer') {
    return failed('the token endpoint gave a token that is not of the type Bearer');
  }
  return { token: new Secret(token), usableMs: usableMs(expiresIn, limits) };
}

/** Some servers send the number as a text. Without one, or with nonsense, the token is kept for a short while. */
function usableMs(expiresIn: unknown, { tokenDefaultMs, tokenMaxMs, tokenMarginMs }: EgressLimits): number {
  const seconds = typeof expiresIn === 'number' || typeof expiresIn === 'string' ? Number(expiresIn) : Number.NaN;
  const lifeMs = seconds > 0 ? Math.min(seconds * 1_000, tokenMaxMs) : tokenDefaultMs;
  // Of a token that lives shorter than the margins at least half is used.
  return Math.max(lifeMs - tokenMarginMs, lifeMs / 2);
}

function failedRequest({ code, owner, message }: FailureCause): FailureCause {
  if (owner !== 'endpoint') return { code, owner, message };
  const told = `the token endpoint: ${message}`;
  if (code.startsWith('blocked')) return { code, owner, message: told };
  return { code: code.endsWith('timeout') ? 'token_timeout' : 'token_failed', owner, message: told };
}

function failed(message: string): FailureCause {
  return { code: 'token_failed', owner: 'endpoint', message };
}

function jsonObject(bytes: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
