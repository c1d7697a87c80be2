import { checkCancelled, checkNothingAtRisk, checkProgress, checkTierRecord } from './checks.ts';
import { allowRepeats } from './ghosts.ts';
import { checkLoadFrom, noteLanding } from './load-from.ts';
import { ownerOf } from './ownership.ts';
import type { OwnershipRecord, Result } from './records.ts';
import type { Reign } from './reign.ts';
import { nameOf, note, offer, type Destination, type Process, type World, type Write } from './world.ts';

/** Whether a process may act for its reign. */
export function mayAct(world: World, process: Process): boolean {
  return process.reign !== null && (!world.rules.fenceSession || process.session);
}

/** Ends a reign at once: no answer that comes later changes anything. */
export function dropReign(world: World, process: Process): void {
  const { reign } = process;
  if (reign !== null) note(world, () => `   ${nameOf(process)} drops reign ${reign.epoch}`);
  process.reign = null;
}

/** Hands a write over; a reign whose fence is closed ends instead. */
export function send(world: World, process: Process, destination: Destination, acked: (offset: number) => void): void {
  const isClaim = destination.to === 'ownership' && process.reign?.phase === 'claiming';
  if (!isClaim && !mayAct(world, process)) return dropReign(world, process);
  world.writes.push({
    process,
    processId: process.id,
    reign: process.reign,
    since: world.step,
    landed: false,
    offset: -1,
    copy: false,
    acked,
    ...destination,
  });
}

/** What may happen to the writes on their way. */
export function offerNetwork(world: World): void {
  const firstOf = new Set<string>();
  for (const write of world.writes) {
    const { process, processId, to, copy } = write;
    const orphaned = copy || !process.alive || process.id !== processId || process.reign !== write.reign;
    if (write.landed) offerAnswer(world, write, orphaned);
    else {
      // Of one process to one topic writes land in order, except for what was sent again.
      const queue = `${processId}/${to}`;
      if (!copy && firstOf.has(queue)) continue;
      if (!copy) firstOf.add(queue);
      offerLanding(world, write, orphaned);
    }
    offerLostAnswer(world, write, orphaned);
  }
}

function offerLanding(world: World, write: Write, orphaned: boolean): void {
  const { settings, faults } = world;
  const late = orphaned || write.process.paused;
  const rate = late ? settings.lateRate : settings.networkRate * 3;
  offer(world, faults ? rate : Math.max(rate, 0.2), `land ${late ? 'late' : 'own'} ${describe(write)}`, () => {
    land(world, write);
    if (write.copy) remove(world, write);
  });
  if (orphaned) offer(world, faults ? settings.lostRate : 0.1, 'drop write', () => remove(world, write));
}

function offerAnswer(world: World, write: Write, orphaned: boolean): void {
  if (orphaned) offer(world, 5, 'forget', () => remove(world, write));
  else if (!write.process.paused)
    offer(world, 3 * world.settings.networkRate, `ack ${describe(write)}`, () => {
      remove(world, write);
      note(world, () => `  ack ${nameOf(write.process)} ${describe(write)} ${JSON.stringify(write.record)}`);
      write.acked(write.offset);
    });
}

function offerLostAnswer(world: World, write: Write, orphaned: boolean): void {
  const { left } = world.settings;
  if (!world.faults || left.lostAnswer === 0 || orphaned || write.process.paused) return;
  offer(world, 0.15, 'lost answer, sent again', () => {
    left.lostAnswer -= 1;
    const again = { ...write, landed: false, since: world.step };
    world.writes = world.writes.map((other) => (other === write ? again : other));
    if (write.landed) return;
    write.copy = true;
    world.writes.push(write);
  });
}

function remove(world: World, write: Write): void {
  world.writes = world.writes.filter((other) => other !== write);
}

function land(world: World, write: Write): void {
  const { process, reign, copy } = write;
  write.landed = true;
  if (write.to !== 'attempts' && (copy || process.reign !== reign || world.settings.heatAfterLanding)) world.hot = 5;
  append(world, write);
  note(world, () => {
    const sets = (_: string, value: unknown): unknown => (value instanceof Set ? [...value] : value);
    const what = `${describe(write)} ${JSON.stringify(write.record, sets)} @${write.offset}`;
    return `  land ${nameOf(process)} ${copy ? '(late copy) ' : ''}${what}`;
  });
  checkNothingAtRisk(world);
  checkLoadFrom(world);
}

function append(world: World, write: Write): void {
  switch (write.to) {
    case 'attempts':
    case 'dead-letters':
      return appendResult(world, write.record);
    case 'ownership':
      write.offset = world.ownershipEnd++;
      return appendOwnership(world, { ...write.record, offset: write.offset });
    default:
      write.offset = world.tierEnds[write.to]++;
      checkTierRecord(world, write.to, write.record, write.reign);
      world.tiers[write.to].push({ ...write.record, offset: write.offset });
      if (write.record.row !== null) world.ghosts.everRow.add(write.record.key);
      noteLanding(world, write.to, { ...write.record, offset: write.offset });
  }
}

function appendResult(world: World, record: Result): void {
  world.results.push(record);
  if (record.kind === 'delivered') world.delivered.add(record.key);
  if (record.kind === 'dead' || record.kind === 'cancelled') world.dead.add(record.key);
  if (record.kind === 'cancelled') checkCancelled(world, record.key);
  const onRecord = world.attemptsOnRecord.get(record.key) ?? 0;
  world.attemptsOnRecord.set(record.key, Math.max(onRecord, record.attempts));
}

function appendOwnership(world: World, record: OwnershipRecord): void {
  world.ownership.push(record);
  if (record.kind === 'progress') checkProgress(world, record);
  const { epoch } = ownerOf(world.rules, world.ownership);
  if (epoch === world.ghosts.epoch) return;
  allowRepeats(world.ghosts, world.ghosts.epoch);
  world.ghosts.epoch = epoch;
}

function describe(write: Write): string {
  return 'row' in write.record ? `${write.to} ${write.record.row === null ? 'tombstone' : 'row'}` : write.record.kind;
}

/** A write of another reign to a tier is on its way, or landed and is not read. Stands for less than 15 minutes since the claim. */
export function lateWritesPossible(world: World, reign: Reign): boolean {
  return (
    world.tiers.some((log, tier) => (log.at(-1)?.offset ?? -1) >= (reign.read[tier] ?? 0)) ||
    world.writes.some((write) => !write.landed && typeof write.to === 'number' && write.reign !== reign)
  );
}
