import { EgressError } from './failure.ts';
import { vet } from './guarded-connect.ts';
import type { AddressPolicy } from './policy.ts';
import { targetOf } from './request.ts';
import type { Resolve } from './resolve.ts';
import { judgeUrl, type UrlReason } from './url-rule.ts';
import type { EgressFailureCode } from './result.ts';

/** What the door would do with a URL now. */
export type CheckedUrl =
  | { readonly verdict: 'allow' }
  | { readonly verdict: 'deny'; readonly reason: UrlReason | EgressFailureCode; readonly detail: string };

/**
 * Judges a URL as the door does before it connects: its text, and then the addresses of its host. With `resolve` null names
 * are not resolved, and what their addresses would say is left out. Never connects.
 */
export async function checkUrl(raw: string, policy: AddressPolicy, resolve: Resolve | null): Promise<CheckedUrl> {
  const verdict = judgeUrl(raw, policy);
  if (verdict.verdict === 'deny') return { verdict: 'deny', reason: verdict.reason, detail: verdict.detail };
  if (resolve === null) return { verdict: 'allow' };
  try {
    await vet(targetOf(verdict.url).host, { policy, resolve });
    return { verdict: 'allow' };
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    return { verdict: 'deny', reason: error.failure.code, detail: error.failure.message };
  }
}
