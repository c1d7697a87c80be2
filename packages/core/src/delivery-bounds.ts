import type { DeliveryView } from './delivery-header.ts';
import { limits } from './limits.ts';
import type { DeliveryChanges } from './move-delivery.ts';

/**
 * What of a delivery's header lies outside of what any part of Postrider writes, brought back to the nearest bound; null:
 * nothing. A header may be forged or damaged: a count of attempts that no schedule reaches, a due time or an end in the
 * year 9999. Without an end, or with one later than the longest retry span allows, the delivery ends at the latest
 * `limits.retrySpanMaxMs` after it was first seen, or after now when that is not told or lies in the future. It never
 * falls due after its end.
 * @param now milliseconds since the Unix epoch
 */
export function boundsBroken(view: DeliveryView, now: number): DeliveryChanges | null {
  const seen = view.firstSeen === null || view.firstSeen > now + limits.clocksApartMaxMs ? now : view.firstSeen;
  const latest = seen + limits.retrySpanMaxMs;
  const expiresAt = view.expiresAt === null || view.expiresAt > latest ? latest : view.expiresAt;
  const attempt = Math.min(view.attempt, limits.retryAttemptsMax);
  const internalFailures = Math.min(view.internalFailures, limits.internalFailuresMax);
  const dueAt = view.dueAt !== null && view.dueAt > expiresAt ? expiresAt : view.dueAt;
  const same = expiresAt === view.expiresAt && dueAt === view.dueAt;
  if (same && attempt === view.attempt && internalFailures === view.internalFailures) return null;
  return {
    ...(expiresAt === view.expiresAt ? {} : { expiresAt }),
    ...(dueAt === view.dueAt ? {} : { dueAt }),
    ...(attempt === view.attempt ? {} : { attempt }),
    ...(internalFailures === view.internalFailures ? {} : { internalFailures }),
  };
}
