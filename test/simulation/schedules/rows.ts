import { HOUR, MINUTE, SECOND } from '../plan.ts';
import type { Schedule } from './schedule.ts';

/** Just above or just below the longest wait of the first tier, as its jitter has it. */
const EITHER_TIER_MS = 58 * SECOND;

/**
 * Each needs a process that dies within milliseconds of a certain write, mostly twice, and a write that comes minutes late.
 * What is called A and B are the tiers of up to a minute and of up to an hour.
 */
export const rowSchedules: readonly Schedule[] = [
  {
    name: 'late-tombstone-over-newer-row',
    about: 'the tombstone of a move comes after the next owner has put a newer row in its place, and that owner dies',
    delaysMs: [20 * SECOND, ...Array.from({ length: 5 }, () => EITHER_TIER_MS), 10 * MINUTE],
    steps: [
      { write: 'row-put', topic: 'retry.1m', fate: 'store' },
      { write: 'row-moved', topic: 'retry.1h', fate: 'store' },
      { write: 'tombstone-older', topic: 'retry.1m', fate: 'hold', pod: 'crash' },
      {
        write: ['row-put-again', 'row-rewritten', 'row-moved'],
        topic: 'retry.1m',
        fate: 'store',
        held: 'after',
        pod: 'crash',
      },
    ],
  },
  {
    name: 'newer-row-while-in-flight',
    about: 'a new owner sends from the older of two rows while it loads the newer one, and dies when it has put it',
    delaysMs: [20 * SECOND, EITHER_TIER_MS, EITHER_TIER_MS, 10 * MINUTE],
    steps: [
      { write: 'row-put', topic: 'retry.1m', fate: 'store' },
      { write: 'row-moved', topic: 'retry.1h', fate: 'store' },
      { write: 'tombstone-older', topic: 'retry.1m', fate: 'hold', pod: 'crash' },
      { write: ['tombstone-older', 'tombstone-newest'], byAnother: true, fate: 'store', held: 'after', pod: 'crash' },
    ],
  },
  {
    name: 'row-after-its-reign',
    about: 'a row comes when its writer is dead and the next owner has taken over; that owner dies as it answers',
    delaysMs: [20 * SECOND, 30 * SECOND, 10 * MINUTE],
    steps: [
      { write: 'row-put', fate: 'hold', pod: 'crash' },
      { write: 'first-progress', fate: 'store', held: 'after' },
      { write: ['row-put', 'row-rewritten', 'tombstone-answer', 'tombstone-every-tier'], fate: 'lose', pod: 'crash' },
    ],
  },
  {
    name: 'half-a-move',
    about: 'the owner dies between the row in the new tier and the tombstone in the old one, three times in a row',
    delaysMs: [20 * SECOND, 5 * MINUTE, 2 * HOUR, 2 * HOUR],
    steps: [
      { write: 'row-moved', fate: 'store', pod: 'crash' },
      { write: 'row-moved', fate: 'store', pod: 'crash' },
      { write: 'tombstone-older', fate: 'lose', pod: 'crash' },
    ],
  },
  {
    name: 'late-row-then-compaction',
    about: 'a row comes after its delivery has ended, the log cleaner runs, and the owner dies before it answers',
    delaysMs: [20 * SECOND],
    steps: [
      { write: 'row-put', fate: 'hold', pod: 'crash' },
      { write: ['attempt-dead', 'attempt-done'], byAnother: true, fate: 'store' },
      { write: 'progress', fate: 'store', held: 'after', compact: true, pod: 'pause' },
    ],
  },
  {
    name: 'row-after-the-end',
    about: 'a row comes when its writer is dead and the next owner has ended the delivery; nothing else happens',
    delaysMs: [20 * SECOND],
    steps: [
      { write: 'row-put', fate: 'hold', pod: 'crash' },
      { write: ['attempt-dead', 'attempt-done'], byAnother: true, fate: 'store' },
      { write: 'progress', fate: 'store', held: 'after' },
    ],
  },
  {
    name: 'row-after-its-heir',
    about: 'a row comes when its writer is dead, and also the next owner, which has ended the delivery',
    delaysMs: [20 * SECOND],
    manner: 'flaky',
    steps: [
      { write: 'row-put', fate: 'hold', pod: 'crash' },
      { write: ['attempt-dead', 'attempt-done'], byAnother: true, fate: 'store' },
      { write: 'progress', fate: 'store', held: 'after', pod: 'crash' },
    ],
  },
  {
    name: 'answer-after-its-reign',
    about: 'a row of one dead owner stands, and the answer to it of another comes when a third has begun',
    delaysMs: [20 * SECOND, 30 * SECOND, 10 * MINUTE],
    steps: [
      { write: 'row-put', fate: 'hold', pod: 'crash' },
      { write: 'first-progress', fate: 'store', held: 'after' },
      { write: ['tombstone-newest', 'tombstone-answer', 'tombstone-every-tier'], fate: 'hold', pod: 'crash' },
      { write: 'progress', byAnother: true, fate: 'store', held: 'after' },
    ],
  },
  {
    name: 'end-before-the-load',
    about: 'the owner dies between a row and its acknowledgement, and the next one ends the delivery while it loads',
    delaysMs: [2 * HOUR, 3 * HOUR],
    manner: 'flaky',
    steps: [{ write: 'row-put', fate: 'store', pod: 'crash' }],
  },
];
