import { serverLimits } from '../server-limits.ts';
import type { Clock } from '@postrider/core';

/** Requests that are on their way: their calls have begun, and they have not come to their ends. */
export interface Arriving {
  /** Notes one of this sender; `end` ends its call. What comes back is to be called when it has arrived, or its call is over. */
  add(sender: string, end: () => void): () => void;
}

export interface ArrivingOptions {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly most: number;
  /** Of those, for longer than `serverLimits.requestSlowMs`; absent: as many. */
  readonly mostSlow?: number;
}

/** Of one sender: what ends each call, and when it began (ms, monotonic), the oldest first. */
type Begun = Map<() => void, number>;

/**
 * So many at most. Each may hold a whole message in memory, and its sender decides when it is complete; so beyond that the
 * oldest calls of whoever has most of them on the way are ended. Fewer may be slow: one that was sent whole has arrived by then.
 */
export function createArriving({ clock, most, mostSlow = most }: ArrivingOptions): Arriving {
  const senders = new Map<string, Begun>();
  let count = 0;
  let willLook = false;

  function remove(sender: string, end: () => void): void {
    const own = senders.get(sender);
    if (own === undefined || !own.delete(end)) return;
    count -= 1;
    if (own.size === 0) senders.delete(sender);
  }

  /** How many began before this. */
  function countOf(before: number): number {
    let found = 0;
    for (const begun of senders.values()) {
      for (const at of begun.values()) {
        if (at > before) break;
        found += 1;
      }
    }
    return found;
  }

  /** Ends one that began before this; false: there is none. */
  function endOldest(before: number): boolean {
    let largest: { readonly sender: string; readonly size: number; readonly end: () => void } | null = null;
    for (const [sender, begun] of senders) {
      const [[end, at] = [() => {}, Infinity]] = begun;
      if (at <= before && begun.size > (largest?.size ?? 0)) largest = { sender, size: begun.size, end };
    }
    if (largest === null) return false;
    remove(largest.sender, largest.end);
    largest.end();
    return true;
  }

  function lookLater(): void {
    if (willLook || count <= mostSlow) return;
    willLook = true;
    clock.after(serverLimits.requestSlowMs, () => {
      willLook = false;
      const slow = clock.monotonic() - serverLimits.requestSlowMs;
      for (let tooMany = countOf(slow) - mostSlow; tooMany > 0 && endOldest(slow); tooMany -= 1);
      lookLater();
    });
  }

  return {
    add(sender, end) {
      const own = senders.get(sender) ?? new Map();
      senders.set(sender, own);
      own.set(end, clock.monotonic());
      count += 1;
      if (count > most) endOldest(Infinity);
      lookLater();
      return () => remove(sender, end);
    },
  };
}
