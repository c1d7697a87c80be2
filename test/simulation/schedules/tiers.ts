import { HOUR, MINUTE, SECOND } from '../plan.ts';
import { hangingHead } from './plans.ts';
import type { Schedule } from './schedule.ts';

/** What goes wrong with what two tiers, or two records of one reign, say of a delivery. */
export const tierSchedules: readonly Schedule[] = [
  {
    name: 'late-copy-after-the-end',
    about: 'a row is written twice, and its first copy comes behind the tombstone, as the owner dies',
    delaysMs: [20 * SECOND],
    steps: [
      { write: 'row-put', fate: 'hold' },
      { write: 'tombstone-newest', fate: 'store' },
      { write: 'progress', fate: 'store', held: 'after', pod: 'crash' },
    ],
  },
  {
    name: 'late-copy-while-recording',
    about: 'an old copy of a row comes while the record of a later attempt gets lost again and again',
    delaysMs: [10 * SECOND, 20 * SECOND, 20 * SECOND, 20 * SECOND],
    manner: 'failing',
    steps: [
      { write: 'row-put', fate: 'hold' },
      { write: 'row-put-again', fate: 'store' },
      { write: 'attempt-retry', fate: 'lose', forMs: 5 * SECOND, held: 'before' },
    ],
  },
  {
    name: 'end-while-a-tier-loads',
    about:
      'the owner dies between a row and its acknowledgement, and the next one ends the delivery before it has loaded that tier',
    delaysMs: [2 * HOUR, 3 * HOUR],
    manner: 'flaky',
    plan: (small) => ({ ...small, lag: { topic: 'retry.14d', ms: 10 * SECOND } }),
    steps: [{ write: 'row-put', fate: 'store', pod: 'crash' }],
  },
  {
    name: 'older-row-loads-first',
    about:
      'the tombstone of a move comes as the next owner has loaded the older row, whose rewriting gets lost; that owner dies',
    delaysMs: [30 * MINUTE],
    plan: (small, random) => ({
      ...small,
      lag: { topic: 'retry.14d', ms: 5 * SECOND },
      // What waits for an endpoint that is disabled moves before it is due.
      faults: [
        { atMs: 2 * MINUTE, kind: 'disable' },
        { atMs: 2 * MINUTE + random.int(2, 20) * SECOND, kind: 'enable' },
      ],
    }),
    steps: [
      { write: 'row-put', topic: 'retry.1h', fate: 'store' },
      { write: 'row-moved', topic: 'retry.14d', fate: 'store' },
      { write: 'tombstone-older', topic: 'retry.1h', fate: 'hold', pod: 'crash' },
      { write: 'first-progress', byAnother: true, fate: 'store', held: 'after' },
      {
        write: ['row-put', 'row-put-again', 'row-rewritten', 'row-moved'],
        topic: 'retry.1h',
        fate: 'lose',
        forMs: 20 * SECOND,
      },
      { write: ['tombstone-older', 'tombstone-newest'], topic: 'retry.14d', fate: 'store', pod: 'crash' },
    ],
  },
  {
    name: 'end-while-moving',
    about: 'the tombstone of a move gets lost again and again until the delivery has ended, and then its owner dies',
    delaysMs: [20 * SECOND, 80 * SECOND],
    steps: [
      { write: 'row-put', topic: 'retry.1m', fate: 'store' },
      { write: 'row-moved', topic: 'retry.1h', fate: 'store' },
      { write: 'tombstone-older', topic: 'retry.1m', fate: 'lose', forMs: 3 * MINUTE },
      { write: ['tombstone-newest', 'tombstone-older'], topic: 'retry.1h', fate: 'store', pod: 'crash' },
    ],
  },
  {
    name: 'hanging-head',
    about: 'the first delivery of a partition takes long while all behind it are done, and gets a row meanwhile',
    delaysMs: [20 * SECOND],
    manner: 'slow',
    narrow: true,
    plan: hangingHead,
    steps: [{ write: 'row-guard', fate: 'store' }],
  },
];
