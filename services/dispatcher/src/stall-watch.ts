import { createReadStall, limits, type Clock, type ReadStall } from '@postrider/core';
import type { CheckResult } from '@postrider/runtime';
import type { DispatcherEvents } from './events.ts';
import type { FreshOffsets } from './fresh-offsets.ts';

/** A partition of a topic that is read, by its full name, and the offset that reading goes on from. */
export interface Reading {
  readonly topic: string;
  readonly partition: number;
  readonly position: number;
}

export interface StallWatchOptions {
  readonly clock: Clock;
  readonly events: DispatcherEvents;
  readonly freshOffsets: FreshOffsets;
  /** What is read at present. */
  readonly readings: () => Iterable<Reading>;
  /** Reads on over new connections. */
  readonly reconnect: () => void;
}

/**
 * Notices a process that is a member of its group, and so keeps its partitions, but reads nothing of them: heartbeats alone
 * are not health. What stands still is told of and its connections are renewed; what then stands still fails liveness.
 */
export interface StallWatch {
  /** Called regularly; asks Kafka where the partitions end. */
  look(): Promise<void>;
  /** For `/livez`: reading that stands still in spite of new connections is cured by nothing but a restart. */
  check(): CheckResult;
}

/** A watch that has not looked yet. */
export function createStallWatch(options: StallWatchOptions): StallWatch {
  const { clock, events, reconnect } = options;
  const stalls = new Map<string, { readonly stall: ReadStall; told: boolean }>();
  let worstMs = 0;
  let standing: readonly string[] = [];
  let looking = false;

  function judge({ topic, partition, position }: Reading, end: number): number {
    const key = keyOf({ topic, partition });
    let known = stalls.get(key);
    if (known === undefined) stalls.set(key, (known = { stall: createReadStall(), told: false }));
    const forMs = known.stall.look({ position, end }, clock.monotonic());
    if (forMs < limits.readStallAlarmMs) {
      known.told = false;
      return forMs;
    }
    if (!known.told) {
      events.readingStalled({ topic, partition, position, end, forMs });
      reconnect();
    }
    known.told = true;
    return forMs;
  }

  async function lookNow(): Promise<void> {
    const ends = await endsOf(options, new Set([...options.readings()].map(({ topic }) => topic)));
    // As they are now: whatever moved while Kafka was asked does not stand still.
    const readings = [...options.readings()].filter((one) => ends.has(keyOf(one)));
    const keys = new Set(readings.map(keyOf));
    for (const key of stalls.keys()) if (!keys.has(key)) stalls.delete(key);
    worstMs = 0;
    standing = readings.flatMap((reading) => {
      const key = keyOf(reading);
      const forMs = judge(reading, ends.get(key) ?? 0);
      worstMs = Math.max(worstMs, forMs);
      return forMs >= limits.readStallAlarmMs ? [key] : [];
    });
  }

  return {
    async look() {
      if (looking) return;
      looking = true;
      await lookNow().finally(() => (looking = false));
    },
    check() {
      const detail = { standingStill: standing };
      if (worstMs < limits.readStallUnhealthyMs) return { ok: true, detail };
      return { ok: false, reason: 'nothing is read of partitions that have more to read', detail };
    },
  };
}

function keyOf({ topic, partition }: Pick<Reading, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}

/** Where the partitions of these topics end; of a topic about which Kafka does not answer nothing is known. */
async function endsOf(
  { events, freshOffsets }: StallWatchOptions,
  topics: ReadonlySet<string>,
): Promise<ReadonlyMap<string, number>> {
  const ends = new Map<string, number>();
  const ask = async (topic: string): Promise<void> => {
    try {
      for (const { partition, high } of await freshOffsets(topic)) ends.set(keyOf({ topic, partition }), high);
    } catch (error) {
      events.kafkaTrouble(error as Error);
    }
  };
  await Promise.all([...topics].map(ask));
  return ends;
}
