import { PostriderError } from './errors.ts';
import { limits } from './limits.ts';

/** A secret as its endpoint's rotation sees it. */
export interface SecretTerm {
  readonly id: string;
  /** It signs until then, ms since the Unix epoch; null: it does not end. */
  readonly endsAt: number | null;
}

/** Whether a secret signs at `now`: up to its end, and not at it. */
export function signsAt({ endsAt }: Pick<SecretTerm, 'endsAt'>, now: number): boolean {
  return endsAt === null || endsAt > now;
}

/**
 * What becomes of an endpoint's secrets when a new one joins them at `now`: those that sign go on for `overlapMs` at most,
 * and never for longer than they would have; those that have ended, or end at once, are left out. All times in ms since the
 * Unix epoch.
 * @throws PostriderError `secrets_too_many` when as many sign already as may
 */
export function termsAfterRotation(terms: readonly SecretTerm[], now: number, overlapMs: number): SecretTerm[] {
  const signing = terms.filter((term) => signsAt(term, now));
  const kept = signing
    .map(({ id, endsAt }) => ({ id, endsAt: Math.min(endsAt ?? Infinity, now + overlapMs) }))
    .filter((term) => signsAt(term, now));
  if (kept.length < limits.activeSecretsMax) return kept;
  const next = Math.min(...signing.map(({ endsAt }) => endsAt ?? Infinity));
  const until = Number.isFinite(next) ? `; the first of them ends at ${new Date(next).toISOString()}` : '';
  const text = `${signing.length} secrets sign already${until}: delete one that ends, or wait for its end`;
  throw new PostriderError('secrets_too_many', text);
}
