import { foldTier, INTAKES, isDone, isNewer, TIERS, type Progress, type Tier, type TierRecord } from './records.ts';
import { reignGhost } from './ghosts.ts';
import { progressThatHolds } from './ownership.ts';
import { knownOf, type Reign } from './reign.ts';
import { allKeys, isOrdered, note, problem, type Process, type World } from './world.ts';

/** After every landing the logs alone must hold each delivery that has not ended: a crash of everybody now loses nothing. */
export function checkNothingAtRisk(world: World): void {
  const progress = progressThatHolds(world.rules, world.ownership);
  const held = new Set<string>();
  for (const log of world.tiers)
    for (const record of foldTier(world.rules, log).values()) if (record.row !== null) held.add(record.key);
  for (const intake of INTAKES) {
    const done = progress?.intake[intake];
    world.intake[intake].forEach((key, offset) => {
      if (done === undefined || !isDone(done, offset)) held.add(key);
    });
  }
  for (const key of allKeys(world)) {
    if (held.has(key) || hasResult(world, key)) continue;
    problem(world, 'at-risk', `${key}: no row, its offset is done, no result`);
  }
}

/** Done may be said only of what an acknowledged write stands for. */
export function checkProgress(world: World, progress: Progress): void {
  const ghost = reignGhost(world.ghosts, progress.epoch);
  ghost.landed = Math.max(ghost.landed, progress.number);
  if (progress.released) ghost.released = true;
  for (const intake of INTAKES) {
    const done = progress.intake[intake];
    const keys = world.intake[intake];
    if (done === undefined) continue;
    keys.forEach((key, offset) => {
      if (!isDone(done, offset) || hasResult(world, key) || world.ghosts.everRow.has(key)) return;
      // A repeat is done at once; the delivery is then open elsewhere.
      if (keys.some((other, at) => other === key && !isDone(done, at))) return;
      problem(world, 'progress-lies', `offset ${offset} (${key}) is done but nothing is acknowledged`);
    });
  }
}

/** A receiver has taken a delivery. */
export function checkSuccess(world: World, key: string): void {
  const { ghosts, settings, dead } = world;
  const successes = (ghosts.successes.get(key) ?? 0) + 1;
  ghosts.successes.set(key, successes);
  const ends = successes + (dead.has(key) ? 1 : 0);
  const allowed = 1 + (ghosts.budget.get(key) ?? 0);
  if (ends > allowed) {
    const kind = successes < ends ? 'sent-after-dead' : 'duplicate';
    problem(
      world,
      settings.graceful ? `${kind}-without-crash` : kind,
      `${key} ended ${ends} times, allowed ${allowed}`,
    );
  }
  if (successes === 1 && isOrdered(key) && !dead.has(key)) checkOrder(world, key);
}

/** An endpoint that exists was taken for deleted. */
export function checkCancelled(world: World, key: string): void {
  if (world.deletedAt === null || isOrdered(key)) problem(world, 'cancelled-wrongly', `${key}: its endpoint exists`);
}

/** A record of a tier is about to land. */
export function checkTierRecord(world: World, tier: Tier, record: Omit<TierRecord, 'offset'>, by: Reign | null): void {
  const { key, row } = record;
  if (row !== null) {
    const onRecord = world.attemptsOnRecord.get(key) ?? 0;
    if (row.attempts > onRecord)
      problem(world, 'attempt-hidden', `a row of ${key} counts ${row.attempts} attempts, ${onRecord} are on record`);
    return;
  }
  if (by === null || !world.ghosts.burials.has(`${record.epoch}/${record.n}`)) return;
  const mine = rowOfKey(world, tier, key);
  // A row that arrived late was not known to be the newest.
  if (mine === null || (mine.epoch !== by.epoch && mine.offset >= (by.ends[tier] ?? 0))) return;
  for (const other of TIERS) {
    const left = other === tier ? null : rowOfKey(world, other, key);
    // A newer one still stands.
    if (left !== null && isNewer(world.rules, left, mine)) return;
  }
  for (const other of TIERS) {
    const left = other === tier ? null : rowOfKey(world, other, key);
    const known = knownOf(by, other, key);
    if (left === null || known === undefined || (known.acked && !known.row)) continue;
    problem(world, 'older-row-wakes', `${key}: tier ${other} still holds an older row`);
  }
}

function rowOfKey(world: World, tier: Tier, key: string): TierRecord | null {
  const held = foldTier(
    world.rules,
    world.tiers[tier].filter((record) => record.key === key),
  ).get(key);
  return held === undefined || held.row === null ? null : held;
}

function checkOrder(world: World, key: string): void {
  for (const other of world.ghosts.successes.keys()) {
    if (other !== key && isOrdered(other) && placeOf(other) > placeOf(key))
      problem(world, 'order', `${key} first succeeded after ${other}`);
  }
}

/** A request is about to be handed over. */
export function checkStart(world: World, process: Process, key: string): void {
  const { ghosts, settings } = world;
  if (world.clock < (ghosts.due.get(key) ?? 0)) {
    ghosts.early += 1;
    if (settings.graceful && !world.routerRepeated) problem(world, 'early', `${key} before its due time`);
  }
  if (world.epilogue) problem(world, 'resurrected', `${key} is sent after everything had ended`);
  if (ghosts.successes.has(key)) note(world, () => `  (${process.name} sends ${key} again)`);
}

/** All is at rest: everything has ended, everything asked for was done. */
export function checkAtRest(world: World, when: string): void {
  for (const key of world.askedAgain)
    if (!world.rules.runKey && (world.ghosts.successes.get(key) ?? 0) < 2) problem(world, 'resend-swallowed', key);
  for (const key of allKeys(world)) if (!isOver(world, key)) problem(world, 'lost', `${key} ${when}: nobody knows it`);
}

export function isOver(world: World, key: string): boolean {
  return (world.ghosts.successes.has(key) && world.delivered.has(key)) || world.dead.has(key);
}

function hasResult(world: World, key: string): boolean {
  return world.delivered.has(key) || world.dead.has(key);
}

function placeOf(key: string): number {
  return Number(key.slice(1));
}
