import { holdsOver, isNewer, type Row, type Tier, type TierRecord } from './records.ts';
import { acknowledged, handedOver } from './load-from.ts';
import { send } from './network.ts';
import { knownOf, rowOf, type Known, type Work } from './reign.ts';
import { nameOf, note, type Keeper, type World } from './world.ts';

/** Writes a row, or with null a tombstone, as the newest of its key in this tier. */
export function writeTier(keeper: Keeper, tier: Tier, key: string, row: Row | null, acked?: () => void): void {
  const { world, process, reign } = keeper;
  reign.n += 1;
  const { epoch, n } = reign;
  if (row === null && world.settings.heatAfterTombstone) world.hot = 4;
  const known: Known = { epoch, n, row: row !== null, read: false, acked: false };
  reign.known[tier]?.set(key, known);
  reign.writing += 1;
  handedOver(keeper, tier, key, known);
  send(world, process, { to: tier, record: { key, epoch, n, row } }, (offset) => {
    reign.writing -= 1;
    known.acked = true;
    acknowledged(keeper, tier, key, known, offset);
    acked?.();
  });
}

/**
 * Writes the truth of a key again: its row if it has one here, else a tombstone. A row that counts an attempt which is not
 * on record yet cannot be written; what follows that record stands behind anyway.
 */
function answer(keeper: Keeper, tier: Tier, key: string): void {
  const work = keeper.reign.works.get(key);
  const hasRow = knownOf(keeper.reign, tier, key)?.row === true && work !== undefined;
  if (hasRow && work.resultOpen && keeper.world.rules.answerOnRecord) return;
  writeTier(keeper, tier, key, hasRow ? rowOf(work) : null);
}

/** Reads a piece of a tier that is not loaded yet. */
export function loadTier(keeper: Keeper, tier: Tier): void {
  const { world, reign } = keeper;
  for (let left = 1 + world.random.below(3); left > 0; left -= 1) {
    const record = world.tiers[tier].find(({ offset }) => offset >= reign.read[tier]);
    if (record === undefined || record.offset >= (reign.ends[tier] ?? 0)) return finishLoad(keeper, tier);
    reign.read[tier] = record.offset + 1;
    const candidate = reign.loading[tier]?.get(record.key);
    if (candidate === undefined || holdsOver(world.rules, record, candidate.top))
      reign.loading[tier]?.set(record.key, { top: record, last: record, rowBehind: false });
    else {
      candidate.last = record;
      candidate.rowBehind ||= record.row !== null;
    }
  }
}

function finishLoad(keeper: Keeper, tier: Tier): void {
  const { world, process, reign } = keeper;
  reign.loaded[tier] = true;
  reign.read[tier] = reign.ends[tier] ?? 0;
  note(world, () => `   ${nameOf(process)} loaded tier ${tier}`);
  for (const [key, { top, last, rowBehind }] of reign.loading[tier] ?? []) {
    if (world.rules.remember && knownOf(reign, tier, key) !== undefined) continue;
    if (top.row !== null) loadRow(keeper, tier, top, top.row, last);
    // Compaction would keep a last row in place of the tombstone that overrules it, and so does who loads from behind the tombstone.
    else if (world.rules.rowBehind ? rowBehind : last.row !== null) writeTier(keeper, tier, key, null);
  }
  reign.loading[tier]?.clear();
}

function loadRow(keeper: Keeper, tier: Tier, top: TierRecord, row: Row, last: TierRecord): void {
  const { world, reign } = keeper;
  const { key } = top;
  reign.known[tier]?.set(key, { epoch: top.epoch, n: top.n, row: true, read: true, acked: true });
  reign.standing[tier]?.set(key, top);
  const work = reign.works.get(key);
  if (work === undefined) {
    reign.works.set(key, { key, ...row, open: [], tier, guard: null, resultOpen: false, state: 'idle' });
    if (last !== top) answer(keeper, tier, key);
    return;
  }
  const mine = knownOf(reign, work.tier, key);
  if (work.state === 'idle' && (mine === undefined || isNewer(world.rules, top, mine))) {
    goOnFrom(keeper, work, tier, row);
  } else if (mine !== undefined && work.tier !== tier && isOldCopy(world, mine, top)) {
    writeTier(keeper, tier, key, null);
  }
}

/** A delivery in hand goes on from a newer row. */
function goOnFrom(keeper: Keeper, work: Work, tier: Tier, row: Row): void {
  const old = work.tier;
  work.attempts = row.attempts;
  work.due = row.due;
  work.origin = row.origin;
  work.tier = tier;
  if (old !== null) writeTier(keeper, old, work.key, null);
}

function isOldCopy({ rules }: World, mine: Known, top: TierRecord): boolean {
  return (!rules.olderOnly || isNewer(rules, mine, top)) && (!rules.newerAcked || mine.read || mine.acked);
}

/** Reads the next record behind the ends: what does not agree with what this reign knows is answered. */
export function tailTier(keeper: Keeper, tier: Tier): void {
  const { world, reign } = keeper;
  const record = world.tiers[tier].find(({ offset }) => offset >= reign.read[tier]);
  if (record === undefined) return;
  reign.read[tier] = record.offset + 1;
  const known = knownOf(reign, tier, record.key);
  if (known !== undefined && known.epoch === record.epoch && known.n === record.n) {
    known.read = true;
    if (!known.row) reign.known[tier]?.delete(record.key);
    return;
  }
  if (!world.rules.answer) return;
  if (known === undefined) {
    if (record.row !== null) answer(keeper, tier, record.key);
    return;
  }
  // What its own write will stand behind needs no answer.
  if (known.read || isNewer(world.rules, record, known)) answer(keeper, tier, record.key);
}
