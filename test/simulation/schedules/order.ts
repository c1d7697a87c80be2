import { MINUTE, SECOND, type Plan } from '../plan.ts';
import { orderedPair } from './plans.ts';
import type { Schedule } from './schedule.ts';

/** The second comes so soon after the first that nothing else is written between the two. */
function rightBehind(small: Plan): Plan {
  const pair = orderedPair(small);
  const events = pair.events.slice(0, 5).map((one) => (one.id === 'second' ? { ...one, atMs: MINUTE + 5 } : one));
  return { ...pair, events, activeMs: 10 * MINUTE };
}

/** What goes wrong with order. */
export const orderSchedules: readonly Schedule[] = [
  {
    name: 'later-row-before-the-first-is-read',
    about:
      'the owner dies while the first of an order is in flight and the second has a row; that is loaded before the first is read',
    delaysMs: [30 * SECOND, MINUTE, MINUTE],
    manner: 'hang',
    plan: (small, random) => ({
      ...orderedPair(small),
      lag: { topic: 'deliveries', ms: 4 * SECOND },
      faults: [
        { atMs: MINUTE + random.int(9_500, 12_000), kind: 'disable' },
        { atMs: MINUTE + 20 * SECOND, kind: 'enable' },
      ],
    }),
    steps: [
      { write: 'row-put', anyDelivery: true, fate: 'store' },
      { write: 'progress', fate: 'store', pod: 'crash' },
    ],
  },
  {
    name: 'late-repeat-while-loading',
    about:
      'a router repeats the first of an order long after, while its endpoint is disabled and the next owner loads the rows of both',
    delaysMs: [50 * MINUTE],
    manner: 'failing',
    plan: (small, random) => ({
      ...orderedPair(small),
      lag: { topic: 'retry.1h', ms: 10 * SECOND },
      faults: [
        { atMs: 19 * MINUTE, kind: 'disable' },
        // So late that no owner looks back as far as to the first.
        { atMs: 20 * MINUTE, kind: 'owner-crash' },
        { atMs: 20 * MINUTE + random.int(5, 35) * SECOND, kind: 'repeat' },
        { atMs: 24 * MINUTE, kind: 'enable' },
      ],
    }),
    steps: [],
  },
  {
    name: 'given-up-then-taken',
    about:
      'the first of an order is given up at once, the second is taken, and their owner dies before progress says so',
    delaysMs: [],
    manner: 'reluctant',
    plan: rightBehind,
    steps: [
      { write: 'attempt-dead', fate: 'store' },
      { write: 'attempt-done', anyDelivery: true, fate: 'store', pod: 'crash' },
    ],
  },
  {
    name: 'given-up-and-progress-lost',
    about: 'the same, and the progress that would say so gets lost',
    delaysMs: [],
    manner: 'reluctant',
    plan: rightBehind,
    steps: [
      { write: 'attempt-dead', fate: 'store' },
      { write: 'progress', fate: 'lose', forMs: 5 * SECOND },
      { write: 'attempt-done', anyDelivery: true, fate: 'store', pod: 'crash' },
    ],
  },
];
