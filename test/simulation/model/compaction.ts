import { endOf, TIERS, type TierRecord } from './records.ts';
import { isAllLoaded } from './reign.ts';
import { ownerOf } from './ownership.ts';
import { note, type World } from './world.ts';

/** The broker compacts, unless a record could still be too young: the lag is far longer than owners need to answer. */
export function compact(world: World): void {
  world.settings.left.compact -= 1;
  if (world.rules.lag && !isSettled(world)) return;
  compactTiers(world, (tombstone) => tombstone.row !== null || world.random.chance(0.5));
  compactOwnership(world);
  note(world, () => '  compacted');
}

/** Of each key the last record stays; of tombstones those that `keep` keeps. */
export function compactTiers(world: World, keep: (record: TierRecord) => boolean): void {
  for (const tier of TIERS) {
    const last = new Map(world.tiers[tier].map((record) => [record.key, record]));
    world.tiers[tier] = [...last.values()].filter(keep).sort((a, b) => a.offset - b.offset);
  }
}

export function compactOwnership(world: World): void {
  const last = new Map(world.ownership.map((record) => [record.kind, record]));
  world.ownership.splice(0, Infinity, ...[...last.values()].sort((a, b) => a.offset - b.offset));
}

/** All that may still change what holds has landed, is read and is answered. */
function isSettled(world: World): boolean {
  const { epoch } = ownerOf(world.rules, world.ownership);
  const owner = world.processes.find(({ reign }) => reign?.phase === 'serving' && reign.epoch === epoch);
  const reign = owner?.reign;
  if (reign === null || reign === undefined || reign.writing > 0 || reign.dirty || !isAllLoaded(reign)) return false;
  if (world.writes.some((write) => write.copy || write.reign !== reign)) return false;
  return (
    reign.ownershipRead === world.ownershipEnd && TIERS.every((tier) => endOf(world.tiers[tier]) <= reign.read[tier])
  );
}
