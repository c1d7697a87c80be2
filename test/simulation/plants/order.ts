import type { PlantedRule } from './index.ts';

const dispatcher = 'services/dispatcher/src';
const core = 'packages/core/src';

/** Rules of what is ordered. */
export const orderRules: readonly PlantedRule[] = [
  {
    name: 'orderLoaded',
    about: 'an ordered delivery starts before every tier is loaded',
    schedule: 'crowded',
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
    schedule: 'late-repeat-while-loading',
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
    schedule: 'crowded',
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
    schedule: 'later-row-before-the-first-is-read',
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
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: "this.#leaveIdle(work, 'recording');",
        replace: "this.#leaveIdle(work, 'recording'); if (results.length > 0) this.#o.ordering.ended(work);",
      },
      {
        file: `${dispatcher}/work-table.ts`,
        find: '      this.#rest(work);\n      if (recorded) this.#settled();',
        replace:
          '      if (recorded) this.#o.ordering.load(work);\n      this.#rest(work);\n      if (recorded) this.#settled();',
      },
    ],
  },
  {
    name: 'orderAfterProgress',
    about: 'what is given up lets the next of its order go on before progress says that it has ended',
    schedule: 'given-up-then-taken',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'else afterProgress(() => ordering.ended(work));',
        replace: 'else ordering.ended(work);',
      },
    ],
  },
  {
    name: 'orderProgressAcked',
    about: 'the same when that progress is written, and not when it is acknowledged',
    schedule: 'given-up-and-progress-lost',
    plants: [
      {
        file: `${dispatcher}/progress-writer.ts`,
        find: 'for (const callback of told) callback();',
        replace: '',
      },
      {
        file: `${dispatcher}/progress-writer.ts`,
        find: 'waiting = [];\n    const progress',
        replace: 'waiting = [];\n    for (const callback of told) callback();\n    const progress',
      },
    ],
  },
  {
    name: 'orderStops',
    about: 'what is given up does not stop its order though its endpoint asks for that',
    schedule: 'crowded',
    plants: [{ file: `${core}/decide.ts`, find: 'if (input.stops !== true ||', replace: 'if (decision !== null ||' }],
  },
];
