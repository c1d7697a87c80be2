import { reignGhost } from './ghosts.ts';
import { moveLoadFrom } from './load-from.ts';
import { dropReign, send } from './network.ts';
import { isReleased, ownerOf, progressThatHolds, type Owner } from './ownership.ts';
import { BULK, INTAKES, LIVE, TIERS } from './records.ts';
import { createReign, doneOf, type Reign } from './reign.ts';
import { nameOf, note, offer, type Process, type World } from './world.ts';

/** A process that is named and owns nothing: it claims when the last owner is out of the way. */
export function offerClaim(world: World, process: Process): void {
  if (!process.named || !process.session) return;
  const { rules, settings, members } = world;
  const owner = ownerOf(rules, world.ownership);
  const last = world.processes.find(({ id, alive }) => alive && id === owner.process);
  const gone =
    owner.process === null ||
    isReleased(world.ownership, owner.epoch) ||
    !members.has(owner.process) ||
    owner.process === process.id;
  const claimNow = (): void => claim(world, process, owner);
  const me = nameOf(process);
  if (gone || !rules.waitReleased) offer(world, 2 * settings.swift, `claim ${me}`, claimNow);
  else if (!rules.memberCheck && last?.news === true) offer(world, 1, `silent for 1 s ${me}`, claimNow);
  else if (settings.left.deadline > 0 && last?.reign?.draining === true && !last.paused) {
    offer(world, 0.2 * settings.swift, `waited enough ${me}`, () => {
      settings.left.deadline -= 1;
      if (rules.ownDeadline) dropReign(world, last);
      claimNow();
    });
  } else offerClaimAfterWait(world, process, owner, last);
}

/** The last owner reigns no more, or stands still: its deadline passes. */
function offerClaimAfterWait(world: World, process: Process, owner: Owner, last: Process | undefined): void {
  const reign = last?.reign ?? null;
  if (last === undefined || reign === null || (reign.epoch !== owner.epoch && reign.epoch >= 0)) {
    offer(world, 0.2, `waited enough ${nameOf(process)}`, () => claim(world, process, owner));
  } else if (last.paused) {
    offer(world, 0.2, `waited enough ${nameOf(process)}`, () => {
      endSession(world, last);
      claim(world, process, owner);
    });
  }
}

function claim(world: World, process: Process, owner: Owner): void {
  const reign = createReign(owner.epoch);
  process.reign = reign;
  if (!world.rules.endsAfterClaim) reign.ends = process.endsWhenNamed;
  const record = { kind: 'claim', process: process.id, follows: owner.epoch } as const;
  send(world, process, { to: 'ownership', record }, (offset) => {
    reign.epoch = offset;
    reign.phase = 'claimed';
  });
}

/** The steps from the claim's acknowledgement to serving. */
export function offerTakeOver(world: World, process: Process, reign: Reign): void {
  const rate = 2 * world.settings.swift;
  if (reign.phase === 'claimed')
    offer(world, rate, `read back ${nameOf(process)}`, () => readBack(world, process, reign));
  if (reign.phase === 'adopted') offer(world, rate, `ends ${nameOf(process)}`, () => fetchEnds(world, process, reign));
}

function readBack(world: World, process: Process, reign: Reign): void {
  const { rules } = world;
  if (rules.readBack && ownerOf(rules, world.ownership).epoch !== reign.epoch) {
    note(world, () => `   ${nameOf(process)}: claim ${reign.epoch} is void`);
    dropReign(world, process);
    if (!rules.retryClaim) process.named = false;
    return;
  }
  const adopted = progressThatHolds(rules, world.ownership);
  for (const intake of INTAKES) {
    const done = adopted?.intake[intake];
    if (done === undefined) continue;
    for (const offset of done.above) reign.done[intake].add(offset);
    for (let offset = 0; offset < done.watermark; offset += 1) reign.done[intake].add(offset);
    reign.position[intake] = rules.lookBack ? 0 : done.watermark;
  }
  for (const tier of TIERS) reign.loadFrom[tier] = adopted?.loadFrom[tier] ?? 0;
  reign.phase = 'adopted';
  if (reign.draining) release(world, process, reign);
}

function fetchEnds(world: World, process: Process, reign: Reign): void {
  if (world.rules.endsAfterClaim) reign.ends = [...world.tierEnds];
  for (const tier of TIERS) {
    const from = reign.loadFrom[tier];
    reign.read[tier] = from;
    world.ghosts.notRead += world.tiers[tier].filter(({ offset }) => offset < from).length;
  }
  reign.intakeEnds = [world.intake[LIVE].length, world.intake[BULK].length];
  reign.phase = world.rules.firstProgress ? 'first-progress' : 'serving';
  if (world.rules.firstProgress) writeProgress(world, process, reign, false);
}

/** Writes what is done. */
export function writeProgress(world: World, process: Process, reign: Reign, released: boolean): void {
  reign.dirty = false;
  moveLoadFrom(world, reign);
  reign.progressNumber += 1;
  const { epoch, progressNumber: number } = reign;
  reignGhost(world.ghosts, epoch).composed = number;
  reign.writing += 1;
  const record = {
    kind: 'progress',
    epoch,
    number,
    process: process.id,
    released,
    intake: doneOf(reign),
    loadFrom: [...reign.loadFrom],
  } as const;
  send(world, process, { to: 'ownership', record }, () => {
    reign.writing -= 1;
    if (reign.phase === 'first-progress') reign.phase = 'serving';
    if (released) dropReign(world, process);
  });
}

/** Writes the last progress. */
export function release(world: World, process: Process, reign: Reign): void {
  reign.phase = 'released';
  writeProgress(world, process, reign, true);
}

/** Reads on in `ownership`: a newer claim ends the reign; an older progress behind its own is answered by its own. */
export function tailOwnership(world: World, process: Process, reign: Reign): void {
  const { rules } = world;
  if (rules.fenceEpoch && ownerOf(rules, world.ownership).epoch !== reign.epoch) return dropReign(world, process);
  for (const record of world.ownership) {
    if (record.offset < reign.ownershipRead || record.kind !== 'progress') continue;
    if (record.epoch === reign.epoch && record.number > reign.ownProgressRead) reign.ownProgressRead = record.number;
    else if (rules.answer && reign.ownProgressRead > 0) reign.dirty = true;
  }
  reign.ownershipRead = world.ownershipEnd;
}

/** The group counts a member out. */
export function endSession(world: World, process: Process): void {
  world.members.delete(process.id);
  process.session = false;
  if (world.assigned === process.id) reassign(world);
}

/** The group names another member, if it has one. */
export function reassign(world: World): void {
  const leaving = new Set(world.processes.filter((process) => process.leaving).map(({ id }) => id));
  const candidates = [...world.members].filter((id) => !leaving.has(id));
  world.assigned = candidates.length > 0 ? world.random.pick(candidates) : null;
  for (const process of world.processes) process.news = true;
}
