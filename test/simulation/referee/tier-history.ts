import type { Tier } from '@postrider/core';
import type { RowGhost } from './case.ts';

/** A record of a tier, and where it stands. */
type Standing = Pick<RowGhost, 'epoch' | 'n' | 'row'> & { readonly offset: number };

/** The tiers of one partition as they stand in the log, and from where progress says that they may be loaded. */
export interface TierHistory {
  /** Whether who loads the tier from there finds its key as who loads all of it. */
  stored(tier: Tier, key: string, record: Standing): boolean;
  /** Progress names these offsets; a key that is found otherwise from there, if there is one. */
  loadFrom(offsets: ReadonlyMap<Tier, number>): string | null;
  /** A key that is found otherwise from where progress says, if there is one. */
  missed(tier: Tier): string | null;
  /** The log cleaner went through the tier: what is left is stored anew. */
  forget(tier: Tier): void;
}

/** Tiers in which nothing stands. */
export function createTierHistory(): TierHistory {
  const logs = new Map<Tier, Map<string, Standing[]>>();
  const from = new Map<Tier, number>();

  function missed(tier: Tier): string | null {
    for (const [key, records] of logs.get(tier) ?? []) if (!isFound(records, from.get(tier) ?? 0)) return key;
    return null;
  }

  return {
    missed,
    stored(tier, key, record) {
      let log = logs.get(tier);
      if (log === undefined) logs.set(tier, (log = new Map()));
      const records = log.get(key);
      if (records === undefined) log.set(key, [record]);
      else records.push(record);
      return isFound(log.get(key) ?? [], from.get(tier) ?? 0);
    },
    loadFrom(offsets) {
      for (const [tier, offset] of offsets) {
        if (offset === (from.get(tier) ?? 0)) continue;
        from.set(tier, offset);
        const key = missed(tier);
        if (key !== null) return `${key} in ${tier}`;
      }
      return null;
    },
    forget: (tier) => void logs.delete(tier),
  };
}

/** A tombstone may be missed together with all that it overrules. */
function isFound(records: readonly Standing[], from: number): boolean {
  const all = newest(records, 0);
  const loaded = newest(records, from);
  if (all === null || !all.row) return loaded === null || !loaded.row;
  return loaded !== null && loaded.epoch === all.epoch && loaded.n === all.n;
}

function newest(records: readonly Standing[], from: number): Standing | null {
  let found: Standing | null = null;
  for (const record of records) {
    if (record.offset < from) continue;
    if (found === null || record.epoch > found.epoch || (record.epoch === found.epoch && record.n >= found.n))
      found = record;
  }
  return found;
}
