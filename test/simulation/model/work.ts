import { reignGhost } from './ghosts.ts';
import { checkStart } from './checks.ts';
import { dropReign, lateWritesPossible, mayAct, send } from './network.ts';
import { isNewer, TIERS, type Intake, type Result, type Tier } from './records.ts';
import { isAllLoaded, knownOf, rowOf, type Work } from './reign.ts';
import { writeTier } from './waiting.ts';
import { endpointOf, isOrdered, laneOf, type Keeper, type Request, type World } from './world.ts';
import type { Reign } from './reign.ts';

const ATTEMPTS_MAX = 4;

/** Reads the next record of a topic of intake. */
export function takeIn({ world, reign }: Keeper, intake: Intake): void {
  const { rules } = world;
  const offset = reign.position[intake]++;
  const key = world.intake[intake][offset] as string;
  if (reign.done[intake].has(offset)) {
    if (rules.lookBack) reign.recent.add(key);
    return;
  }
  const work = rules.storeDedupe ? reign.works.get(key) : undefined;
  if (work !== undefined) return takeAgain(world, reign, work, { intake, offset });
  if (rules.repeats && reign.recent.has(key)) {
    reign.done[intake].add(offset);
    reign.dirty = true;
    return;
  }
  const origin = { intake, offset };
  const open = [origin];
  reign.works.set(key, {
    key,
    origin,
    attempts: 0,
    due: 0,
    open,
    tier: null,
    guard: null,
    resultOpen: false,
    state: 'idle',
  });
}

/** Another record of a delivery in hand: done when that ends, or when this epoch puts it. */
function takeAgain({ rules }: World, reign: Reign, work: Work, at: Work['origin']): void {
  const row = knownOf(reign, work.tier, work.key);
  const rests = work.tier !== null && work.state === 'idle' && work.open.length === 0;
  if (rests && (!rules.ownRow || row?.epoch === reign.epoch)) {
    reign.done[at.intake].add(at.offset);
    reign.dirty = true;
  } else work.open.push(at);
}

/** Whether a delivery may be attempted now. */
export function mayStart({ world, process, reign }: Keeper, work: Work): boolean {
  const { rules, clock, blocked } = world;
  if (work.state !== 'idle' || work.due > clock || blocked.has(laneOf(work.key)) || reign.draining) return false;
  if (endpointOf(world, process, work.key) !== 'known') return false;
  if (!isOrdered(work.key)) return true;
  if (rules.orderLoaded && !isAllLoaded(reign)) return false;
  for (const other of reign.works.values()) {
    if (!isOrdered(other.key)) continue;
    if (rules.orderLowest ? other.origin.offset < work.origin.offset : other.state === 'flying') return false;
  }
  return !(rules.orderPosition && work.tier !== null && reign.position[work.origin.intake] <= work.origin.offset);
}

/** Hands a request over. */
export function start({ world, process, reign }: Keeper, work: Work): void {
  if (!mayAct(world, process)) return dropReign(world, process);
  checkStart(world, process, work.key);
  work.state = 'flying';
  reignGhost(world.ghosts, reign.epoch).started.add(work.key);
  world.requests.push({ process, reign, key: work.key, answer: null });
}

/** An answer has come: the delivery ends, or waits. */
export function takeAnswer(world: World, request: Request): void {
  const { process, reign, key } = request;
  const work = reign.works.get(key);
  if (!mayAct(world, process)) return dropReign(world, process);
  if (work === undefined) return;
  const keeper = { world, process, reign };
  if (request.answer === 'ok') return finish(keeper, work, 'delivered');
  if (work.attempts + 1 >= ATTEMPTS_MAX) return finish(keeper, work, 'dead');
  work.attempts += 1;
  work.due = world.clock + 1 + world.random.below(3);
  world.ghosts.due.set(key, work.due);
  work.guard = null;
  const tier = world.random.below(world.settings.tiersUsed) as Tier;
  put(keeper, work, tier, { key, kind: 'failed', attempts: work.attempts });
}

/** Writes the result of an attempt, if one was made, then a row; acknowledged, its offsets are done and it waits. */
export function put(keeper: Keeper, work: Work, tier: Tier, result?: Result): void {
  const { world, process, reign } = keeper;
  const { rules } = world;
  const { key } = work;
  work.state = 'putting';
  work.tier = tier;
  if (!rules.ackFirst) complete(world, reign, work);
  const { open } = work;
  if (!rules.movePutFirst) buryElsewhere(keeper, work);
  if (result === undefined) return writeRow();
  if (!rules.attemptFirst) writeRow();
  reign.writing += 1;
  work.resultOpen = true;
  send(world, process, { to: 'attempts', record: result }, () => {
    reign.writing -= 1;
    work.resultOpen = false;
    if (rules.attemptFirst) writeRow();
  });

  function writeRow(): void {
    writeTier(keeper, tier, key, rowOf(work), rowAcked);
  }

  function rowAcked(): void {
    if (reign.works.get(key) !== work) return;
    if (work.state === 'putting') work.state = 'idle';
    if (open === work.open) complete(world, reign, work);
    if (work.state === 'idle') reignGhost(world.ghosts, reign.epoch).started.delete(key);
    if (rules.movePutFirst) buryElsewhere(keeper, work);
  }
}

function buryElsewhere(keeper: Keeper, { key, tier }: Work): void {
  for (const other of TIERS)
    if (other !== tier && knownOf(keeper.reign, other, key)?.row === true) writeTier(keeper, other, key, null);
}

/** Writes a row for a delivery in flight; its attempt goes on. */
export function guard(keeper: Keeper, work: Work, tier: Tier): void {
  const { world, reign } = keeper;
  const { open } = work;
  work.tier = tier;
  work.guard = tier;
  work.due = world.clock + 2;
  writeTier(keeper, tier, work.key, rowOf(work), () => {
    if (reign.works.get(work.key) === work && open === work.open) complete(world, reign, work);
  });
}

/** Result acknowledged → tombstones acknowledged → ended. */
export function finish(keeper: Keeper, work: Work, kind: Exclude<Result['kind'], 'failed'>): void {
  const { world, process, reign } = keeper;
  const { rules } = world;
  const attempts = work.attempts + (work.state === 'flying' ? 1 : 0);
  work.state = 'ending';
  reignGhost(world.ghosts, reign.epoch).started.add(work.key);
  if (!rules.ackFirst) complete(world, reign, work);
  if (!rules.resultFirst) bury(keeper, work, () => undefined);
  const record = { key: work.key, kind, attempts };
  reign.writing += 1;
  send(world, process, { to: kind === 'dead' ? 'dead-letters' : 'attempts', record }, () => {
    reign.writing -= 1;
    if (rules.resultFirst) bury(keeper, work, () => ended(world, reign, work));
    else ended(world, reign, work);
  });
}

/** Tombstones where rows are, and while late rows are possible everywhere. */
function bury(keeper: Keeper, work: Work, done: () => void): void {
  const tiers = TIERS.filter((tier) => needsTombstone(keeper, work, tier));
  const newest = keeper.world.rules.newestLast ? newestRow(keeper, work) : null;
  const older = tiers.filter((tier) => tier !== newest);
  const last = tiers.filter((tier) => tier === newest);
  tombstones(keeper, work, older, () => tombstones(keeper, work, last, done));
}

/** The tier whose row a takeover would go on from. */
function newestRow({ world, reign }: Keeper, { key }: Work): Tier | null {
  let newest: Tier | null = null;
  for (const tier of TIERS) {
    const row = knownOf(reign, tier, key);
    const before = knownOf(reign, newest, key);
    if (row?.row === true && (before === undefined || isNewer(world.rules, row, before))) newest = tier;
  }
  return newest;
}

function tombstones(keeper: Keeper, { key }: Work, tiers: readonly Tier[], done: () => void): void {
  const { world, reign } = keeper;
  let left = tiers.length;
  if (left === 0) return done();
  for (const tier of tiers) {
    if (isAllLoaded(reign)) world.ghosts.burials.add(`${reign.epoch}/${reign.n + 1}`);
    writeTier(keeper, tier, key, null, () => {
      left -= 1;
      if (left === 0) done();
    });
  }
}

function needsTombstone({ world, reign }: Keeper, work: Work, tier: Tier): boolean {
  const { rules } = world;
  const known = knownOf(reign, tier, work.key);
  if (known?.row === true && (rules.guardEnd || work.guard !== tier)) return true;
  if (known?.row === false) return rules.newestLast && !known.acked;
  // The first reign of all has no predecessor whose row could lie or arrive anywhere.
  if (!rules.everyTier || reign.follows < 0) return false;
  const older = work.origin.offset < reign.intakeEnds[work.origin.intake];
  return older && (!reign.loaded[tier] || lateWritesPossible(world, reign));
}

function ended(world: World, reign: Reign, work: Work): void {
  complete(world, reign, work);
  reign.works.delete(work.key);
  reign.recent.add(work.key);
  const ghost = reignGhost(world.ghosts, reign.epoch);
  ghost.ended.set(work.key, ghost.composed + 1);
}

function complete({ rules }: World, reign: Reign, work: Work): void {
  for (const { intake, offset } of work.open) reign.done[intake].add(offset);
  if (rules.originDone) reign.done[work.origin.intake].add(work.origin.offset);
  work.open = [];
  reign.dirty = true;
}
