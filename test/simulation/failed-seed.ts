import type { SeedResult } from './run-seed.ts';

/** The result of a seed that nothing is known of but why it failed. */
export function failedSeed(seed: number, kind: string, text: string): SeedResult {
  const nothing = { deliveries: 0, requests: 0, virtualHours: 0, traceHash: '', lines: [] };
  return { seed, problems: [{ kind, text, atMs: 0 }], coverage: { crashes: {}, situations: {} }, ...nothing };
}
