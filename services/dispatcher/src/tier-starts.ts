import { TIERS, createLoadFrom, limits, type LoadFrom, type OwnershipProgress, type Tier } from '@postrider/core';
import { presentEnds } from './ask-kafka.ts';
import type { Pod } from './pod.ts';
import type { Reign } from './reign.ts';
import type { Ends } from './serving.ts';

/** From where each retry tier is loaded, now and by the next owner (design rule 18). */
export interface TierStarts {
  readonly loadFrom: ReadonlyMap<Tier, LoadFrom>;
  /**
   * Where each tier is read from, of where they begin and end. An offset below what retention left is moved up to it; one
   * above the end is of a tier that was replaced, so all of it is read, and a person is told.
   */
  begin(tiers: ReadonlyMap<Tier, Ends>): ReadonlyMap<Tier, Ends>;
  /** Asks for ends when it is time. Called every second. */
  tick(): void;
  /** An offset has risen, and has not been told for a minute. */
  readonly dirty: boolean;
  /** What a progress record says, by logical name of the tier. */
  encode(): Map<string, number>;
}

/** Begins with what the adopted progress says; a progress without it means that everything is to be read. */
export function createTierStarts(
  pod: Pick<Pod, 'clock' | 'events' | 'topic' | 'freshOffsets'>,
  reign: Pick<Reign, 'partition' | 'over'>,
  adopted: OwnershipProgress['tiers'] | undefined,
): TierStarts {
  const { clock, events, topic } = pod;
  const { partition } = reign;
  const loadFrom = new Map(TIERS.map((tier) => [tier, createLoadFrom(adopted?.get(tier) ?? 0)]));
  const asking = new Set<Tier>();
  const told = new Map<string, number>();
  let toldAt = -Infinity;

  async function ask(tier: Tier): Promise<void> {
    asking.add(tier);
    try {
      const askedAt = clock.monotonic();
      const ends = await presentEnds(pod, tier, partition);
      if (ends !== undefined) loadFrom.get(tier)?.endIs(ends.end, askedAt);
    } catch (error) {
      if (reign.over === null) events.kafkaTrouble(error as Error);
    } finally {
      asking.delete(tier);
    }
  }

  function beginOf(tier: Tier, { low, end }: Ends): Ends {
    const from = loadFrom.get(tier)?.offset ?? 0;
    const replaced = from > end;
    if (replaced) {
      events.offsetOutOfRange(topic(tier), partition, from);
      loadFrom.set(tier, createLoadFrom(low));
    }
    loadFrom.get(tier)?.endIs(end, clock.monotonic());
    return { low: replaced ? low : Math.max(low, from), end };
  }

  return {
    loadFrom,
    begin: (tiers) => new Map([...tiers].map(([tier, ends]) => [tier, beginOf(tier, ends)])),
    tick() {
      const now = clock.monotonic();
      for (const tier of TIERS) if (!asking.has(tier) && loadFrom.get(tier)?.wantsEnd(now) === true) void ask(tier);
    },
    get dirty() {
      if (clock.monotonic() - toldAt < limits.loadFromToldMs) return false;
      return TIERS.some((tier) => loadFrom.get(tier)?.offset !== told.get(tier));
    },
    encode() {
      toldAt = clock.monotonic();
      for (const [tier, { offset }] of loadFrom) told.set(tier, offset);
      return new Map(told);
    },
  };
}
