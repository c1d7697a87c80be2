import type { Case } from './case.ts';

/** First successes of ordered lanes, which may never go back. */
export function createLaneOrder(problem: (kind: string, text: string) => void) {
  const highest = new Map<string, Case>();
  const unordered = new Set<string>();
  const seqOf = (one: Case): number => one.places[0]?.offset ?? -1;
  return {
    /** The delivery succeeds for the first time. */
    succeeded(one: Case): void {
      if (one.lane === null || unordered.has(one.endpointUid)) return;
      const before = highest.get(one.lane);
      if (before === undefined || seqOf(one) > seqOf(before)) highest.set(one.lane, one);
      else
        problem('order', `${one.key} (${seqOf(one)}) succeeds after ${before.key} (${seqOf(before)}) of ${one.lane}`);
    },
    /** The lane's order does not matter any more. */
    forget(endpointUid: string): void {
      unordered.add(endpointUid);
    },
  };
}
