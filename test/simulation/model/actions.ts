import { checkSuccess, isOver } from './checks.ts';
import { compact } from './compaction.ts';
import { offerMembership } from './group.ts';
import { noteEnd, ripenNote } from './load-from.ts';
import { offerNetwork } from './network.ts';
import { BULK, endOf, INTAKES, LIVE, TIERS, type Tier } from './records.ts';
import { isAllLoaded, isBusy, type Reign, type Work } from './reign.ts';
import { offerClaim, offerTakeOver, release, tailOwnership, writeProgress } from './take-over.ts';
import { loadTier, tailTier } from './waiting.ts';
import { finish, guard, mayStart, put, start, takeAnswer, takeIn } from './work.ts';
import { endpointOf, isOrdered, isResend, laneOf, nameOf, offer } from './world.ts';
import type { Keeper, Request, World } from './world.ts';

/** Collects all that may happen next. */
export function offerAll(world: World): void {
  world.actions.length = 0;
  offerRouting(world);
  offer(world, 0.5, 'tick', () => {
    world.clock += 1;
  });
  offerNetwork(world);
  for (const request of world.requests) offerReceiver(world, request);
  for (const process of world.processes) {
    offerMembership(world, process);
    if (!process.alive || process.paused) continue;
    if (process.reign === null) offerClaim(world, process);
    else if (process.reign.phase === 'serving') offerServing({ world, process, reign: process.reign });
    else offerTakeOver(world, process, process.reign);
  }
}

function offerRouting(world: World): void {
  const { settings, random, faults } = world;
  const { left, toRoute } = settings;
  if (toRoute.length > 0) offer(world, 2, 'route', () => route(world, toRoute.shift() as string));
  if (!faults) return;
  const routed = world.intake.some((keys) => keys.length > 0);
  if (left.repeat > 0 && routed) offer(world, 0.3, 'router repeats', () => repeat(world));
  if (left.deletion > 0)
    offer(world, 0.1, 'delete endpoint', () => {
      left.deletion -= 1;
      world.revision += 1;
      world.deletedAt = world.revision;
    });
  if (left.resend > 0 && routed) offer(world, 0.3, 'resend', () => resend(world));
  if (left.block > 0)
    offer(world, 0.2, 'block or unblock', () => {
      left.block -= 1;
      const lane = random.chance(0.5) ? 'o' : 'u';
      if (!world.blocked.delete(lane)) world.blocked.add(lane);
    });
  if (left.compact > 0) offer(world, settings.compactRate, 'compact', () => compact(world));
}

/** First runs that keep order are never in bulk: offsets of two topics cannot be compared. */
function route(world: World, key: string): void {
  const bulk = !isOrdered(key) && world.random.chance(world.settings.bulkShare);
  world.intake[bulk ? BULK : LIVE].push(key);
}

/** The router writes once more what it had written since its last commit. */
function repeat(world: World): void {
  const { settings, random } = world;
  const intake = world.intake[BULK].length > 0 && random.chance(0.3) ? BULK : LIVE;
  const keys = world.intake[intake];
  if (keys.length === 0) return;
  settings.left.repeat -= 1;
  world.routerRepeated = true;
  const from = random.below(keys.length);
  for (const key of keys.slice(from, from + 1 + random.below(3))) {
    if (world.rules.repeatTopic) keys.push(key);
    else route(world, key);
  }
}

function resend(world: World): void {
  world.settings.left.resend -= 1;
  const key = world.random.pick(world.intake.flat());
  if (isResend(key)) return;
  const again = world.rules.runKey ? `${key}#1` : key;
  if (isOver(world, key)) world.askedAgain.add(key);
  route(world, again);
}

function offerReceiver(world: World, request: Request): void {
  const { process, reign, key } = request;
  const orphaned = !process.alive || process.reign !== reign;
  const remove = (): void => {
    world.requests = world.requests.filter((other) => other !== request);
  };
  if (request.answer === null) {
    const ok = world.faults ? world.settings.receiverSucceeds : 0.9;
    offer(world, ok, `serve ok ${key} ${nameOf(process)}`, () => serve(world, request, 'ok'));
    offer(world, 1 - ok, `serve fail ${key} ${nameOf(process)}`, () => serve(world, request, 'fail'));
    if (orphaned) offer(world, 0.5, 'request lost', remove);
  } else if (orphaned) offer(world, 5, 'answer to nobody', remove);
  else if (!process.paused)
    offer(world, 1, 'answer', () => {
      remove();
      takeAnswer(world, request);
    });
}

function serve(world: World, request: Request, answer: 'ok' | 'fail'): void {
  request.answer = answer;
  if (answer === 'ok') checkSuccess(world, request.key);
}

/** What an owner may do next. */
function offerServing(keeper: Keeper): void {
  const { world, process, reign } = keeper;
  const { settings, faults } = world;
  const me = nameOf(process);
  if (reign.ownershipRead < world.ownershipEnd)
    offer(world, 1, `tail ownership ${me}`, () => tailOwnership(world, process, reign));
  if (reign.draining && !(world.rules.drain && isBusy(reign)))
    return offer(world, 1, `release ${me}`, () => release(world, process, reign));
  if (!reign.draining) {
    for (const intake of INTAKES)
      if (reign.position[intake] < world.intake[intake].length)
        offer(world, faults ? settings.intakeRate : 1.5, `intake ${me}`, () => takeIn(keeper, intake));
    if (reign.dirty)
      offer(world, settings.progressRate, `progress ${me}`, () => writeProgress(world, process, reign, false));
    const next = TIERS.find((tier) => !reign.loaded[tier]);
    if (next !== undefined) offer(world, 2 * settings.loadRate, `load ${me}`, () => loadTier(keeper, next));
  }
  for (const tier of TIERS) ripenNote(world, reign, tier);
  for (const tier of TIERS)
    if (reign.noted[tier] === null && reign.counted[tier] < world.tierEnds[tier])
      offer(world, settings.noteRate, `note end ${tier} ${me}`, () => noteEnd(world, reign, tier));
  for (const tier of TIERS)
    if (reign.loaded[tier] && endOf(world.tiers[tier]) > reign.read[tier])
      offer(world, faults ? settings.tailRate : 1.5, `tail ${tier} ${me}`, () => tailTier(keeper, tier));
  for (const work of reign.works.values()) offerWork(keeper, work);
}

/** What may happen to a delivery in an owner's hands. */
function offerWork(keeper: Keeper, work: Work): void {
  const { world, process, reign } = keeper;
  const { settings, random, faults } = world;
  const { left, tiersUsed } = settings;
  const { key } = work;
  if (mayStart(keeper, work)) offer(world, 1.5, `start ${key} ${nameOf(process)}`, () => start(keeper, work));
  if (reign.draining) return;
  const { state, tier } = work;
  const endpoint = endpointOf(world, process, key);
  if (state === 'idle' && (endpoint === 'deleted' || (endpoint === 'unknown' && !world.rules.revisionWait)))
    offer(world, 1, `cancel ${key}`, () => finish(keeper, work, 'cancelled'));
  if (state === 'idle' && tier !== null && work.open.length > 0)
    offer(world, 1, `own the row ${key}`, () => put(keeper, work, tier));
  if (state === 'idle' && tier === null && mustWait(world, reign, work))
    offer(world, 0.4, `put ${key}`, () => {
      left.put -= 1;
      put(keeper, work, random.below(tiersUsed) as Tier);
    });
  if (!faults) return;
  if (left.guard > 0 && state === 'flying' && tier === null)
    offer(world, 0.3, `guard ${key}`, () => {
      left.guard -= 1;
      guard(keeper, work, random.below(tiersUsed) as Tier);
    });
  if (left.expiry > 0 && state === 'idle')
    offer(world, 0.05, `expire ${key}`, () => {
      left.expiry -= 1;
      finish(keeper, work, 'dead');
    });
}

/** An arrival is put when its lane may not start, or to make room. */
function mustWait({ rules, settings, blocked, faults }: World, reign: Reign, { key, open }: Work): boolean {
  if (open.length === 0 || (rules.orderPut && isOrdered(key) && !isAllLoaded(reign))) return false;
  return blocked.has(laneOf(key)) || (faults && settings.left.put > 0);
}
