import type { Rules } from './rules.ts';

/** The three retry tiers. */
export const TIERS = [0, 1, 2] as const;
/** The two topics that deliveries are read from: `deliveries`, `deliveries.bulk`. */
export const INTAKES = [0, 1] as const;
export const LIVE = 0;
export const BULK = 1;

export type Tier = (typeof TIERS)[number];
export type Intake = (typeof INTAKES)[number];

/** Where a delivery was read. */
export interface Origin {
  readonly intake: Intake;
  readonly offset: number;
}

export interface Version {
  readonly epoch: number;
  readonly n: number;
}

/** What a row says. */
export interface Row {
  readonly attempts: number;
  /** Not to be started before. */
  readonly due: number;
  readonly origin: Origin;
}

/** A record of a tier: a row, or with null a tombstone. */
export interface TierRecord extends Version {
  readonly key: string;
  readonly row: Row | null;
  readonly offset: number;
}

export interface Claim {
  readonly kind: 'claim';
  readonly process: number;
  readonly follows: number;
  readonly offset: number;
}

/** What is done of one topic of intake. */
export interface Done {
  readonly watermark: number;
  readonly above: ReadonlySet<number>;
}

export interface Progress {
  readonly kind: 'progress';
  readonly epoch: number;
  readonly number: number;
  readonly process: number;
  readonly released: boolean;
  /** By topic of intake. */
  readonly intake: readonly Done[];
  /** By tier: no record below matters. */
  readonly loadFrom: readonly number[];
  readonly offset: number;
}

export type OwnershipRecord = Claim | Progress;

/** What an attempt came to, or how a delivery ended without one. */
export interface Result {
  readonly key: string;
  readonly kind: 'delivered' | 'failed' | 'dead' | 'cancelled';
  /** How many attempts the delivery has used. */
  readonly attempts: number;
}

export function isDone(done: Done, offset: number): boolean {
  return offset < done.watermark || done.above.has(offset);
}

export function isNewer(rules: Rules, a: Version, b: Version): boolean {
  return a.epoch !== b.epoch ? a.epoch > b.epoch : rules.number && a.n > b.n;
}

/** Whether a record that stands behind another one of its key holds in its place. */
export function holdsOver(rules: Rules, later: TierRecord, earlier: TierRecord): boolean {
  if (!rules.fold || (!rules.tombVersion && later.row === null)) return true;
  return !isNewer(rules, earlier, later);
}

/** Of each key the record that holds, among those that stand at `from` or behind it. */
export function foldTier(rules: Rules, log: readonly TierRecord[], from = 0): Map<string, TierRecord> {
  const held = new Map<string, TierRecord>();
  for (const record of log) {
    if (record.offset < from) continue;
    const earlier = held.get(record.key);
    if (earlier === undefined || holdsOver(rules, record, earlier)) held.set(record.key, record);
  }
  return held;
}

/** The offset behind the last record. Compaction leaves it as it is. */
export function endOf(log: readonly { readonly offset: number }[]): number {
  return (log.at(-1)?.offset ?? -1) + 1;
}
