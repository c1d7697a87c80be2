import type { PlantedRule } from './index.ts';

const dispatcher = 'services/dispatcher/src';

/** Rules of who owns a partition and what is done. */
export const ownershipRules: readonly PlantedRule[] = [
  {
    name: 'lookBack',
    about: 'after a takeover reading begins at the watermark: the ids of what was done a moment ago are not learned',
    plants: [
      {
        file: `${dispatcher}/look-back.ts`,
        find: 'return Math.max(least, Math.min(start, watermark));',
        replace: 'return watermark;',
      },
    ],
  },
  {
    name: 'drain',
    about: 'a leaving owner releases while requests are in flight',
    plants: [
      {
        file: `${dispatcher}/serving.ts`,
        find: 'return this.#reign.writing === 0 && (this.parts === null || this.parts.table.active === 0);',
        replace: 'return true;',
      },
    ],
  },
];
