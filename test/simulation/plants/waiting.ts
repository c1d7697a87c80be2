import type { PlantedRule } from './index.ts';

const dispatcher = 'services/dispatcher/src';

/** Rules of what waits, and of what is taken in. */
export const waitingRules: readonly PlantedRule[] = [
  {
    name: 'repeats',
    about: 'ids that ended are not remembered: a repeat by the router starts again',
    plants: [
      { file: `${dispatcher}/recent-keys.ts`, find: 'has: (key) => addedAt.has(key),', replace: 'has: () => false,' },
    ],
  },
];
