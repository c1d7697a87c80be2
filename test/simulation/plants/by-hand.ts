import type { PlantedRule } from './index.ts';

const dispatcher = 'services/dispatcher/src';

/** What a person on call asks for is done. */
export const byHandRules: readonly PlantedRule[] = [
  {
    name: 'pauseHeeded',
    about: 'a tenant that a person has paused is sent what arrives and falls due',
    schedule: 'held-then-drained',
    plants: [
      { file: `${dispatcher}/lanes.ts`, find: "        return { kind: 'paused' };", replace: '        void 0;' },
    ],
  },
  {
    name: 'drainHeeded',
    about: 'a process that is told to give its partitions away goes on',
    schedule: 'held-then-drained',
    plants: [
      {
        file: `${dispatcher}/levers/drainable-group.ts`,
        find: '=> !stopping && (group === null) !== (drain !== null);',
        replace: '=> false;',
      },
    ],
  },
];
