import { HOUR, MINUTE, SECOND, type Plan } from '../plan.ts';
import { hangingHead, onlyOneFails } from './plans.ts';
import type { Schedule } from './schedule.ts';

const quietBesides = (small: Plan): Plan => onlyOneFails(small, 20 * SECOND, 20 * MINUTE);

/** A row comes when its writer is dead, and the one after it, which has ended the delivery; the third has just begun. */
const lateRow: Schedule['steps'] = [
  { write: 'row-put', topic: 'retry.1m', fate: 'hold', pod: 'crash' },
  { write: ['attempt-dead', 'attempt-done'], byAnother: true, fate: 'store' },
  { write: 'progress', fate: 'store', pod: 'crash' },
  { write: 'first-progress', byAnother: true, fate: 'store', held: 'after' },
];

/** What goes wrong while it is found out from where a tier must be loaded. */
export const loadFromSchedules: readonly Schedule[] = [
  {
    name: 'long-wait-then-takeover',
    about: 'a row has stood for an hour when its owner dies: nothing was written since',
    delaysMs: [3 * HOUR],
    plan: (small, random) => ({
      ...onlyOneFails(small, random.int(2, 10) * MINUTE, HOUR),
      activeMs: 2 * HOUR,
      faults: [{ atMs: random.int(50, 100) * MINUTE, kind: 'owner-crash' }],
    }),
    steps: [{ write: 'row-put', fate: 'store' }],
  },
  {
    name: 'late-row-after-minutes',
    about:
      'a row comes minutes after its writer died and the next owner has ended the delivery, and that owner dies, too',
    delaysMs: [20 * SECOND],
    plan: quietBesides,
    steps: [
      { write: 'row-put', fate: 'hold', pod: 'crash' },
      { write: ['attempt-dead', 'attempt-done'], byAnother: true, fate: 'store' },
      { write: 'progress', afterMs: 3 * MINUTE, fate: 'store', held: 'after', pod: 'crash' },
    ],
  },
  {
    name: 'long-wait-then-move',
    about: 'a row has stood for most of an hour when it moves; the tombstone where it stood gets lost for minutes',
    delaysMs: [55 * MINUTE],
    plan: (small, random) => ({
      ...quietBesides(small),
      faults: [{ atMs: random.int(40, 50) * MINUTE, kind: 'disable' }],
    }),
    steps: [
      { write: 'row-put', topic: 'retry.1h', fate: 'store' },
      { write: 'tombstone-older', topic: 'retry.1h', fate: 'lose', forMs: 3 * MINUTE },
    ],
  },
  {
    name: 'long-wait-then-put-again',
    about: 'a row has stood for most of an hour when it is put again where it stood, which gets lost for minutes',
    delaysMs: [45 * MINUTE, 45 * MINUTE],
    plan: quietBesides,
    steps: [
      { write: 'row-put', topic: 'retry.1h', fate: 'store' },
      { write: 'row-put-again', topic: 'retry.1h', fate: 'lose', forMs: 3 * MINUTE },
    ],
  },
  {
    name: 'refused-row-after-its-tombstone',
    about:
      'the row of a delivery in flight is refused for half an hour, then comes behind its tombstone; the answer gets lost',
    delaysMs: [20 * SECOND],
    manner: 'slow',
    narrow: true,
    plan: hangingHead,
    steps: [
      { write: 'row-guard', fate: 'refuse', forMs: 29.5 * MINUTE },
      { write: ['tombstone-answer', 'tombstone-newest'], afterMs: 29 * MINUTE, fate: 'lose', forMs: 3 * MINUTE },
    ],
  },
  {
    name: 'late-row-read-late',
    about: 'a row comes minutes after its delivery has ended, and its tier is read a quarter of an hour late',
    delaysMs: [20 * SECOND],
    manner: 'flaky',
    plan: (small) => ({ ...quietBesides(small), lag: { topic: 'retry.1m', ms: 17 * MINUTE } }),
    steps: lateRow,
  },
  {
    name: 'answer-lost-for-minutes',
    about: 'a row comes minutes after its delivery has ended, and the answer to it gets lost for a quarter of an hour',
    delaysMs: [20 * SECOND],
    manner: 'flaky',
    plan: quietBesides,
    steps: [...lateRow, { write: 'tombstone-answer', topic: 'retry.1m', fate: 'lose', forMs: 18 * MINUTE }],
  },
];
