import { progressThatHolds } from './ownership.ts';
import { foldTier, isNewer, TIERS, type Tier, type TierRecord } from './records.ts';
import { knownOf, type Known, type Reign } from './reign.ts';
import { problem, type Keeper, type World } from './world.ts';

/** Of each tier an owner says an offset below which no record matters: not above any row that stands, nor above an end that counts. */
export function moveLoadFrom(world: World, reign: Reign): void {
  for (const tier of TIERS) {
    const lowest = Math.min(reign.counted[tier], lowestRow(world, reign, tier));
    reign.loadFrom[tier] = Math.max(reign.loadFrom[tier], lowest);
    checkNotTooLow(world, reign, tier);
  }
}

function lowestRow({ rules }: World, reign: Reign, tier: Tier): number {
  if (!rules.loadFromRows) return Infinity;
  let lowest = Infinity;
  for (const [key, { offset }] of reign.standing[tier] ?? []) {
    if (!rules.loadFromOldCopies && reign.works.get(key)?.tier !== tier) continue;
    lowest = Math.min(lowest, offset);
  }
  return lowest;
}

/** Notes where a tier ends now. */
export function noteEnd(world: World, reign: Reign, tier: Tier): void {
  const end = world.tierEnds[tier];
  reign.noted[tier] = { end, writtenBefore: reign.n, settledAt: null, readUntil: null, writtenUntil: null };
  ripenNote(world, reign, tier);
}

/**
 * A noted end counts when what this reign had written is acknowledged, then nothing that was on its way can land any more,
 * then all that landed is read, and then what was written until then is acknowledged. So a record below it is overruled for good, if a newer one overrules it.
 */
export function ripenNote(world: World, reign: Reign, tier: Tier): void {
  const { rules, writes } = world;
  const note = reign.noted[tier];
  if (note === null) return;
  if (note.settledAt === null) {
    // What is sent again may land once more.
    if (rules.loadFromSettled && isOpen(world, reign, tier, note.writtenBefore)) return;
    note.settledAt = world.step;
  }
  if (note.readUntil === null) {
    const { settledAt } = note;
    const onItsWay = writes.some(({ to, landed, since }) => to === tier && !landed && since <= settledAt);
    if (onItsWay && rules.loadFromLate) return;
    note.readUntil = world.tierEnds[tier];
  }
  if (note.writtenUntil === null) {
    const allRead = reign.loaded[tier] && reign.read[tier] >= note.readUntil;
    if (!allRead && rules.loadFromRead) return;
    note.writtenUntil = reign.n;
  }
  if (rules.loadFromAnswered && isOpen(world, reign, tier, note.writtenUntil)) return;
  reign.counted[tier] = note.end;
  reign.noted[tier] = null;
}

/** Whether a write of the reign, of number `n` or before, is not acknowledged. */
function isOpen({ writes }: World, reign: Reign, tier: Tier, n: number): boolean {
  return writes.some((write) => write.to === tier && write.reign === reign && !write.copy && write.record.n <= n);
}

/** A write was handed over. */
export function handedOver({ world, reign }: Keeper, tier: Tier, key: string, known: Known): void {
  if (world.rules.loadFromAcked) return;
  if (known.row) reign.standing[tier]?.set(key, { ...known, offset: world.tierEnds[tier] });
  else reign.standing[tier]?.delete(key);
}

/** A write was acknowledged: a row stands there until a newer record is acknowledged. */
export function acknowledged({ world, reign }: Keeper, tier: Tier, key: string, mine: Known, offset: number): void {
  const { rules } = world;
  const before = reign.standing[tier]?.get(key);
  if (before !== undefined && isNewer(rules, before, mine)) return;
  if (!mine.row) return void reign.standing[tier]?.delete(key);
  const newest = knownOf(reign, tier, key);
  const overtaken = newest === undefined || (newest !== mine && newest.acked);
  if (overtaken || (before !== undefined && !rules.loadFromNewest)) return;
  reign.standing[tier]?.set(key, { epoch: mine.epoch, n: mine.n, offset });
}

/** Who loads from there must find exactly the rows that who loads all finds. */
export function checkLoadFrom(world: World): void {
  const progress = progressThatHolds(world.rules, world.ownership);
  if (progress === null) return;
  for (const tier of TIERS) {
    const from = progress.loadFrom[tier] ?? 0;
    if (from === 0) continue;
    const all = rowsOf(foldTier(world.rules, world.tiers[tier]));
    const loaded = rowsOf(foldTier(world.rules, world.tiers[tier], from));
    for (const [key, row] of all)
      if (!isSame(loaded.get(key), row))
        problem(world, 'load-from-lies', `tier ${tier} from ${from}: ${key} is missed`);
    for (const [key, row] of loaded)
      if (!isSame(all.get(key), row))
        problem(world, 'load-from-lies', `tier ${tier} from ${from}: ${key} is overruled`);
  }
}

/** At rest load-from must be as high as it may be, or takeovers read for nothing. */
function checkNotTooLow(world: World, reign: Reign, tier: Tier): void {
  if (reign.writing > 0 || !reign.loaded[tier] || reign.read[tier] < world.tierEnds[tier]) return;
  let lowest = reign.counted[tier];
  for (const row of rowsOf(foldTier(world.rules, world.tiers[tier])).values()) {
    lowest = Math.min(lowest, world.ghosts.landed.get(`${tier}/${row.epoch}/${row.n}`) ?? row.offset);
  }
  if (reign.loadFrom[tier] < lowest)
    problem(world, 'loads-too-much', `tier ${tier}: ${reign.loadFrom[tier]}, could be ${lowest}`);
}

/** Keeps where a record landed first: late copies of it stand higher, and may be all that compaction leaves. */
export function noteLanding({ ghosts }: World, tier: Tier, { epoch, n, offset }: TierRecord): void {
  const version = `${tier}/${epoch}/${n}`;
  if (!ghosts.landed.has(version)) ghosts.landed.set(version, offset);
}

function rowsOf(held: ReadonlyMap<string, TierRecord>): Map<string, TierRecord> {
  return new Map([...held].filter(([, { row }]) => row !== null));
}

function isSame(a: TierRecord | undefined, b: TierRecord): boolean {
  return a !== undefined && a.epoch === b.epoch && a.n === b.n;
}
