import { MINUTE, SECOND, type Plan } from '../plan.ts';
import type { Schedule } from './schedule.ts';

/** Over before anybody notes anew where tiers are to be loaded from: what was written last stays the last in the log. */
const SHORT_MS = 8 * MINUTE;

/** One event a minute after the start; nothing else is written from its end on. */
const oneEvent = (small: Plan): Plan => ({ ...small, events: small.events.slice(0, 1), activeMs: SHORT_MS });

/** What goes wrong with claims and with progress. */
export const ownershipSchedules: readonly Schedule[] = [
  {
    name: 'claim-of-the-dead',
    about: 'a claim comes right before that of the next owner, which follows the same reign, and its writer is dead',
    delaysMs: [20 * SECOND],
    steps: [
      { write: 'claim', fate: 'hold', pod: 'crash' },
      { write: 'claim', byAnother: true, fate: 'store', held: 'before' },
    ],
  },
  {
    name: 'copy-of-a-claim',
    about: 'a claim is sent again, and its first copy comes when the reign has requests in flight; nobody dies',
    delaysMs: [5 * SECOND, 30 * SECOND],
    steps: [
      { write: 'claim', fate: 'hold' },
      { write: 'attempt-retry', fate: 'store', held: 'after' },
    ],
    // The endpoint that answers late takes what is sent while the copy comes.
    plan: (small) => ({
      ...small,
      temper: 'graceful',
      endpoints: small.endpoints.map((one) => (one.id === 'e0' ? one : { ...one, manner: 'slow' })),
      activeMs: SHORT_MS,
    }),
  },
  {
    name: 'written-after-the-wait',
    about:
      'a dispatcher joins, and what is in flight at the one that has to give up a partition cannot be written for long',
    delaysMs: [20 * SECOND, 2 * MINUTE],
    steps: [{ write: 'row-put', anyDelivery: true, fate: 'lose', forMs: 80 * SECOND, joins: true }],
    plan: (small, random) => ({
      ...small,
      members: 1,
      partitions: 2,
      endpoints: Array.from({ length: 6 }, (_, pair) =>
        small.endpoints.map((one) => ({ ...one, id: `${one.id}${pair || ''}`, manner: 'failing' as const })),
      ).flat(),
      activeMs: random.int(6, 10) * MINUTE,
    }),
  },
  {
    name: 'asleep-with-a-request',
    about: 'a process stands still right before a request, and wakes up when its session is long over',
    delaysMs: [20 * SECOND, MINUTE],
    steps: [{ write: 'request', fate: 'store', pod: 'pause' }],
    // Not always right before what the process does every second.
    plan: (small, random) => ({
      ...small,
      events: small.events.map((one) => ({ ...one, atMs: one.atMs + random.int(0, SECOND) })),
      activeMs: 15 * MINUTE,
    }),
  },
  {
    name: 'old-progress-after-new',
    about: 'a progress record comes after the next reign has begun, and that owner dies at once',
    delaysMs: [20 * SECOND, 30 * SECOND],
    steps: [
      { write: 'row-put', fate: 'store' },
      { write: 'progress', fate: 'hold', pod: 'crash' },
      { write: 'progress', byAnother: true, fate: 'store', held: 'after', pod: 'crash' },
    ],
  },
  {
    name: 'old-progress-at-last',
    about: 'a progress record of a dead reign comes when everything has ended, and nothing is written after it',
    delaysMs: [SECOND],
    manner: 'good',
    steps: [
      { write: 'progress', fate: 'hold', pod: 'crash' },
      { write: 'progress', byAnother: true, fate: 'store', held: 'after' },
    ],
    plan: oneEvent,
  },
  {
    name: 'old-progress-at-a-claim',
    about: 'a progress record of a dead reign comes while the partition is claimed, when everything has ended',
    delaysMs: [SECOND],
    manner: 'good',
    steps: [
      { write: 'progress', fate: 'hold', pod: 'crash' },
      { write: 'attempt-done', byAnother: true, fate: 'store', pod: 'leave' },
      { write: 'claim', byAnother: true, fate: 'store', held: 'before' },
    ],
    plan: oneEvent,
  },
  {
    name: 'router-repeats-after-a-move',
    about: 'a router dies before it commits what is delivered at once, and the partition moves before it is repeated',
    delaysMs: [SECOND],
    manner: 'good',
    steps: [
      { write: 'delivery', anyDelivery: true, fate: 'store', pod: 'crash' },
      { write: 'progress', fate: 'store', pod: 'leave' },
    ],
    plan: (small) => oneEvent({ ...small, endpoints: small.endpoints.map((one) => ({ ...one, manner: 'good' })) }),
  },
];
