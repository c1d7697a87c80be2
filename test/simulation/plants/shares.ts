import type { PlantedRule } from './index.ts';

const core = 'packages/core/src';
const dispatcher = 'services/dispatcher/src';

/** Rules of how the endpoints of a process share its requests in flight. */
export const shareRules: readonly PlantedRule[] = [
  {
    name: 'lanes',
    about: 'one pool for all: whatever comes first is sent first, however much of its endpoint is in flight',
    schedule: 'silent-neighbours',
    plants: [
      {
        file: `${dispatcher}/lane.ts`,
        find: 'return breaker === null || breaker.closed ? concurrency.value : 1;',
        replace: 'return breaker === null || breaker.closed ? Math.max(1_000, concurrency.value) : 1;',
      },
      {
        file: `${dispatcher}/lane.ts`,
        find: '  const says = answering.says(now);',
        replace: "  const says = 'answers' as ReturnType<typeof answering.says>;",
      },
    ],
  },
  {
    name: 'unknownShare',
    about: 'endpoints that have never answered may have a whole process',
    schedule: 'silent-neighbours',
    plants: [
      {
        file: `${dispatcher}/lane.ts`,
        find: "  return arrivals.count > 0 ? 'unknown' : 'unanswered';",
        replace: '  return null;',
      },
    ],
  },
  {
    name: 'lending',
    about: 'a kind of work has its own share and no more, be the rest of the process idle',
    schedule: 'due-together',
    plants: [
      {
        file: `${core}/work-shares.ts`,
        find: "return kind === 'live' || this.mayLend || own < Math.ceil(this.#max * shareOf[kind]);",
        replace: 'return own < Math.ceil(this.#max * shareOf[kind]);',
      },
    ],
  },
];
