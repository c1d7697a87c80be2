import type { Script } from './settings.ts';

const moveBegun =
  'route,intake,load,load,load,start u0,serve fail,answer,land own failed,ack,land own 0 row,progress,land own progress,' +
  'start u0,serve fail,answer,land own failed,ack,land own 1 row,ack,PAUSE owner,expire,claim,load,load';

/** Directed schedules, most by the name of the rule that each is about. */
export const SCRIPTS = {
  ownRow: {
    tiers: 1,
    seeds: 300,
    steps:
      'route,intake,put u0,PAUSE owner,expire,claim,load,load,load,land late 0 row,tail 0,PAUSE owner,expire,claim,' +
      'load,load,intake,progress,land own progress,land late 0 tombstone,CRASH owner',
  },
  ownDeadline: {
    tiers: 2,
    seeds: 1_500,
    steps:
      'claim C,route,intake,load,load,load,start u0,serve fail,answer,land own failed,ack,land own 0 row,progress,land own progress,' +
      'start u0,serve fail,answer,land own failed,ack,rebalance to A,learn,learn,learn,waited enough A,load A,load A,load A,land own 1 row,' +
      'land own 0 tombstone,tail 1 A,land own 1 tombstone,tail 0 A,CRASH owner A,drop write',
  },
  tombVersion: {
    tiers: 2,
    seeds: 3_000,
    steps: `${moveBegun},start u0,serve fail,answer,land own failed,ack,land own 0 row,load,load,land own 1 tombstone,land late 0 tombstone,CRASH owner,drop write`,
  },
  olderOnly: {
    tiers: 2,
    seeds: 3_000,
    steps: `${moveBegun},start u0,load,load,land own 1 tombstone,land late 0 tombstone,CRASH owner,drop write`,
  },
  newerAcked: {
    tiers: 2,
    seeds: 3_000,
    steps: `${moveBegun},land late 0 tombstone,tail 0,load,load,land own 1 tombstone,CRASH owner,drop write`,
  },
  halfMove: {
    tiers: 2,
    seeds: 6_000,
    steps: moveBegun.replace(/,expire.*$/, ''),
  },
  halfPut: { tiers: 2, seeds: 6_000, steps: 'route,intake,put u0,PAUSE owner,expire,claim' },
  lag: {
    tiers: 1,
    seeds: 1_000,
    steps:
      'route,intake,put u0,PAUSE owner,expire,claim,load,load,load,intake,start u0,serve ok,answer,progress,' +
      'land own progress,land late 0 row,compact,CRASH owner',
  },
  rowBehind: {
    tiers: 1,
    seeds: 1_500,
    deliveries: ['u0', 'u1'],
    steps:
      'route,route,load,load,load,intake,put u0,land own 0 row,ack,progress,land own progress,start u0,serve ok,answer,' +
      'land own delivered,ack,PAUSE owner,expire,claim,load,load,load,start u0,serve fail,answer,land own failed,ack,' +
      'PAUSE owner,expire,claim,load,load,load,intake,intake,start u0,serve ok,answer,land own delivered,ack,' +
      'land own 0 tombstone,ack,put u1,land own 0 row,ack,land late 0 row,land late 0 tombstone,CRASH owner,expire,' +
      'restart,rejoin,claim,load,load,load,load,load,load,note end 0,progress,land own progress',
  },
  loadFromSettled: {
    tiers: 1,
    seeds: 300,
    steps:
      'route,load,load,load,intake,start u0,guard u0,land own 0 row,serve ok,answer,land own delivered,ack delivered,' +
      'land own 0 tombstone,ack 0 tombstone,tail 0,tail 0,note end 0,lost answer,land own 0 row,ack 0 row,' +
      'progress,land own progress',
  },
} as const satisfies Record<string, Script>;

export type ScriptName = keyof typeof SCRIPTS;

/** The script of this name, if there is one. */
export function scriptOf(name: string): Script | null {
  return Object.hasOwn(SCRIPTS, name) ? SCRIPTS[name as ScriptName] : null;
}
