import type { Accepted } from '../support/load.ts';
import type { Receipt } from '../support/receipt.ts';

/** Tenants of endpoints, by path. */
export type Paths = ReadonlyMap<string, string>;

/** As many events as come from every source partition and for every tenant once. */
export const probes = 12;

/**
 * How long after `from` (ms since the Unix epoch) the first events that were accepted after it had reached every one of
 * these endpoints that wants them, in milliseconds; null while one has not, or while there are too few of them.
 */
export function recoveryMs(
  receipts: readonly Receipt[],
  accepted: Accepted,
  { from, paths }: { readonly from: number; readonly paths: Paths },
): number | null {
  const first = [...accepted].filter(([, { at }]) => at > from).slice(0, probes);
  if (first.length < probes) return null;
  const missing = new Set<string>();
  for (const [webhookId, { tenant }] of first)
    for (const [path, wantedBy] of paths) if (wantedBy === tenant) missing.add(`${path} ${webhookId}`);
  let last = from;
  for (const { path, webhookId, at } of receipts) if (missing.delete(`${path} ${webhookId}`)) last = Math.max(last, at);
  return missing.size === 0 ? last - from : null;
}

/** From acceptance to first request, in milliseconds, of these paths' events that were accepted in a span of time. */
export function latencies(
  receipts: readonly Receipt[],
  accepted: Accepted,
  { from, to, paths }: { readonly from: number; readonly to: number; readonly paths: Paths },
): number[] {
  const seen = new Set<string>();
  const found: number[] = [];
  for (const { path, webhookId, at } of receipts) {
    const acceptedAt = accepted.get(webhookId)?.at ?? 0;
    const key = `${path} ${webhookId}`;
    if (!paths.has(path) || acceptedAt < from || acceptedAt >= to || seen.has(key)) continue;
    seen.add(key);
    // The request may come before the publisher has heard that its event is accepted.
    found.push(Math.max(0, at - acceptedAt));
  }
  return found;
}

/** Deliveries that each tenant's endpoint was sent on average in a span of time: what was left to each of what others use. */
export function deliveriesPerEndpoint(
  receipts: readonly Receipt[],
  { from, to, paths }: { readonly from: number; readonly to: number; readonly paths: Paths },
): number[] {
  const seen = new Set<string>();
  const sent = new Map<string, number>();
  for (const { path, webhookId, at } of receipts) {
    const tenant = paths.get(path);
    const key = `${path} ${webhookId}`;
    if (tenant === undefined || at < from || at >= to || seen.has(key)) continue;
    seen.add(key);
    sent.set(tenant, (sent.get(tenant) ?? 0) + 1);
  }
  return [...Map.groupBy(paths, ([, tenant]) => tenant)].map(([tenant, own]) => (sent.get(tenant) ?? 0) / own.length);
}
