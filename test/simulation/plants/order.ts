import type { PlantedRule } from './index.ts';

const dispatcher = 'services/dispatcher/src';

/** Rules of what is ordered. */
export const orderRules: readonly PlantedRule[] = [
  {
    name: 'orderLoaded',
    about: 'an ordered delivery starts before every tier is loaded',
    plants: [
      {
        file: `${dispatcher}/ordering.ts`,
        find: 'if (!this.loaded || lane.order?.firstFor(order) !== order.seq) return false;',
        replace: 'if (lane.order?.firstFor(order) !== order.seq) return false;',
      },
    ],
  },
  {
    name: 'orderPut',
    about: 'an ordered arrival is put before every tier is loaded',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'return work.order === null || this.#o.ordering.loaded;',
        replace: 'return true;',
      },
    ],
  },
  {
    name: 'orderLowest',
    about: 'an ordered delivery starts though an earlier one has not ended',
    plants: [
      {
        file: `${dispatcher}/ordering.ts`,
        find: 'if (!this.loaded || lane.order?.firstFor(order) !== order.seq) return false;',
        replace: 'if (!this.loaded) return false;',
      },
    ],
  },
  {
    name: 'orderPosition',
    about: 'an ordered row starts before everything in front of it was read',
    plants: [
      {
        file: `${dispatcher}/ordering.ts`,
        find: 'if (!hasRow || order.seq < this.#position) return true;',
        replace: 'if (lane !== null) return true;',
      },
    ],
  },
  {
    name: 'orderNextWhilePut',
    about: 'the next of an ordered lane has its turn while the one before it is being put',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: "this.#leaveIdle(work, results.length > 0 ? 'recording' : 'putting');",
        replace: `this.#leaveIdle(work, results.length > 0 ? 'recording' : 'putting');
          if (results.length > 0) this.#o.ordering.ended(work);`,
      },
      {
        file: `${dispatcher}/work-table.ts`,
        find: '      if (results.length > 0) this.#settled();\n    };\n    const tooLarge',
        replace:
          '      if (results.length > 0) { this.#settled(); this.#o.ordering.load(work); }\n    };\n    const tooLarge',
      },
    ],
  },
];
