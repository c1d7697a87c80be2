import { dropReign } from './network.ts';
import { endSession } from './take-over.ts';
import { nameOf, offer, type Process, type World } from './world.ts';

/** What the group, the machine and the operator may do with a process. */
export function offerMembership(world: World, process: Process): void {
  const { settings, members, faults } = world;
  const me = nameOf(process);
  const isMember = members.has(process.id);
  if (!process.alive) {
    if (isMember) offer(world, 0.5 * settings.swift, `expire ${me}`, () => endSession(world, process));
    else offer(world, 0.3, `restart ${process.name}`, () => restart(process));
    return;
  }
  if (process.paused) {
    if (isMember) offer(world, 0.5 * settings.swift, `expire ${me}`, () => endSession(world, process));
    offer(world, faults ? 0.15 : 1, `resume ${me}`, () => {
      process.paused = false;
    });
    return;
  }
  if (!isMember) {
    offer(world, (process.leaving ? 0.3 : 1) * settings.swift, `rejoin ${process.name}`, () => join(world, process));
  } else if (process.news) offer(world, 1.5 * settings.swift, `learn ${me}`, () => learn(world, process));
  if (process.leaving && process.reign === null && members.has(process.id))
    offer(world, 2, `leave ${me}`, () => endSession(world, process));
  if (process.config < world.revision)
    offer(world, faults ? settings.configRate : 1, `config ${me}`, () => {
      process.config += 1;
    });
  if (faults) offerFaults(world, process);
}

function offerFaults(world: World, process: Process): void {
  const { members, assigned } = world;
  const { left, swift, heat } = world.settings;
  const me = nameOf(process);
  const owner = process.reign === null ? '' : 'owner ';
  const stops = (process.reign === null ? 0.02 : 0.12 * swift) * (world.hot > 0 ? heat : 1);
  if (left.crash > 0)
    offer(world, stops, `CRASH ${owner}${me}`, () => {
      left.crash -= 1;
      process.alive = false;
      dropReign(world, process);
    });
  if (left.pause > 0)
    offer(world, stops, `PAUSE ${owner}${me}`, () => {
      left.pause -= 1;
      process.paused = true;
    });
  const stays = members.has(process.id) && !process.leaving;
  if (left.term > 0 && stays && members.size > 1)
    offer(world, process.reign === null ? 0.02 : 0.1, `TERM ${me}`, () => {
      left.term -= 1;
      process.leaving = true;
      process.named = false;
      if (process.reign !== null) process.reign.draining = true;
    });
  if (left.rebalance > 0 && stays && assigned !== process.id)
    offer(world, 0.1, `rebalance to ${me}`, () => {
      left.rebalance -= 1;
      world.assigned = process.id;
      for (const other of world.processes) other.news = true;
    });
}

function restart(process: Process): void {
  process.alive = true;
  process.reign = null;
  process.config = 0;
}

function join(world: World, process: Process): void {
  dropReign(world, process);
  world.lastId += 1;
  process.id = world.lastId;
  process.session = true;
  process.leaving = false;
  process.named = false;
  world.members.add(process.id);
  if (world.assigned === null || world.random.chance(0.2)) world.assigned = process.id;
  for (const other of world.processes) other.news = true;
}

/** A member hears whom the group names now. */
function learn(world: World, process: Process): void {
  process.news = false;
  process.endsWhenNamed = [...world.tierEnds];
  process.named = world.assigned === process.id && !process.leaving;
  const { reign } = process;
  if (process.named || reign === null) return;
  reign.draining = true;
  if (!world.rules.abortRelease && reign.phase !== 'serving') dropReign(world, process);
}
