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

/** Emptied when it has arrived: a Set's earlier tables name what has left it (docs/adr/0058). */
interface Arrival {
  end: () => void;
  /** When it began, ms, monotonic. */
  readonly at: number;
}

const nothing = (): void => {};

/**
 * So many at most. Each may hold a whole message in memory, and its sender decides when it is complete; so beyond that the
 * oldest calls of whoever has most of them on the way are ended. Fewer may be slow: one that was sent whole has arrived by then.
 */
export function createArriving({ clock, most, mostSlow = most }: ArrivingOptions): Arriving {
  const senders = new Map<string, Set<Arrival>>();
  let count = 0;
  let willLook = false;

  function remove(sender: string, arrival: Arrival): void {
    const own = senders.get(sender);
    if (own === undefined || !own.delete(arrival)) return;
    arrival.end = nothing;
    count -= 1;
    if (own.size === 0) senders.delete(sender);
  }

  /** How many began before this. */
  function countOf(before: number): number {
    let found = 0;
    for (const begun of senders.values()) {
      for (const { at } of begun) {
        if (at > before) break;
        found += 1;
      }
    }
    return found;
  }

  /** Ends one that began before this; false: there is none. */
  function endOldest(before: number): boolean {
    let largest: { readonly sender: string; readonly size: number; readonly oldest: Arrival } | null = null;
    for (const [sender, begun] of senders) {
      const [oldest] = begun;
      if (oldest !== undefined && oldest.at <= before && begun.size > (largest?.size ?? 0))
        largest = { sender, size: begun.size, oldest };
    }
    if (largest === null) return false;
    const { end } = largest.oldest;
    remove(largest.sender, largest.oldest);
    end();
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
      const own = senders.get(sender) ?? new Set();
      senders.set(sender, own);
      const arrival: Arrival = { end, at: clock.monotonic() };
      own.add(arrival);
      count += 1;
      if (count > most) endOldest(Infinity);
      lookLater();
      return () => remove(sender, arrival);
    },
  };
}
