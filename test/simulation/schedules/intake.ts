import { MINUTE, SECOND, type Plan } from '../plan.ts';
import type { Step } from '../director.ts';
import type { Schedule } from './schedule.ts';

/** Dispatchers read deliveries so late that rows are loaded, and served, long before the records that they stand for. */
const slowIntake =
  (ms: number) =>
  (small: Plan): Plan => ({ ...small, lag: { topic: 'deliveries', ms }, activeMs: 15 * MINUTE });

/** A row that no living owner relies on is answered, and whoever answered it dies before the answer stands. */
const answeredUnread: readonly Step[] = [
  { write: 'row-put', fate: 'hold', pod: 'crash' },
  { write: 'first-progress', byAnother: true, fate: 'store', held: 'before' },
  { write: ['tombstone-newest', 'tombstone-answer'], fate: 'hold', pod: 'crash' },
];

/** What goes wrong with what is taken in, and with what it waits for. */
export const intakeSchedules: readonly Schedule[] = [
  {
    name: 'ended-before-it-is-read',
    about: 'a row is loaded and ends long before the record that it stands for is read, and the partition moves',
    delaysMs: [20 * SECOND],
    manner: 'failing',
    steps: [
      { write: 'row-put', fate: 'store', pod: 'crash' },
      { write: 'attempt-dead', byAnother: true, fate: 'store', pod: 'leave' },
    ],
    plan: slowIntake(MINUTE),
  },
  {
    name: 'row-before-its-record',
    about:
      'a row of a dead owner is answered by the next one before it has read its delivery; the answer comes when a third owns',
    delaysMs: [10 * MINUTE],
    steps: [...answeredUnread, { write: 'progress', byAnother: true, fate: 'store', held: 'after' }],
    plan: slowIntake(5 * SECOND),
  },
  {
    name: 'row-again-on-its-way',
    about: 'the same, and the third owner cannot write the row again for long after that answer has come',
    delaysMs: [10 * MINUTE],
    steps: [
      ...answeredUnread,
      { write: 'first-progress', byAnother: true, fate: 'store', held: 'after' },
      { write: ['row-put', 'row-rewritten'], fate: 'lose', forMs: 20 * SECOND },
    ],
    plan: slowIntake(5 * SECOND),
  },
  {
    name: 'sent-again-at-once',
    about: 'what has just been given up is sent again by request',
    delaysMs: [SECOND],
    manner: 'failing',
    steps: [],
    plan: (small, random) => ({
      ...small,
      events: small.events.slice(0, 1),
      faults: [{ atMs: MINUTE + random.int(10, 60) * SECOND, kind: 'resend' }],
      activeMs: 8 * MINUTE,
    }),
  },
  {
    name: 'sent-again-twice',
    about: 'who asks for something to be sent again asks twice, and the partition moves in between',
    delaysMs: [SECOND],
    manner: 'failing',
    steps: [
      { write: 'attempt-dead', fate: 'store' },
      { write: 'attempt-dead', fate: 'store', pod: 'leave' },
    ],
    plan: (small, random) => ({
      ...small,
      events: small.events.slice(0, 1),
      faults: [{ atMs: MINUTE + 20 * SECOND, kind: 'resend' }],
      resendAgainMs: random.int(20, 60) * SECOND,
      activeMs: 8 * MINUTE,
    }),
  },
  {
    name: 'endpoint-not-heard-of',
    about: 'a router knows of a new endpoint before the dispatchers do',
    delaysMs: [SECOND, MINUTE],
    manner: 'good',
    steps: [],
    plan: (small, random) => ({
      ...small,
      endpoints: small.endpoints.map((one) => ({ ...one, createdAtMs: 2 * MINUTE })),
      events: small.events.map((one) => ({ ...one, atMs: one.atMs + MINUTE + 5 * SECOND })),
      lag: { topic: 'config', ms: random.int(10, 40) * SECOND },
      activeMs: 15 * MINUTE,
    }),
  },
  {
    name: 'repeat-read-first',
    about:
      'a router repeats what its dead predecessor wrote, and then a new owner reads what is live later than what is bulk',
    delaysMs: [MINUTE],
    manner: 'good',
    steps: [
      { write: 'delivery', anyDelivery: true, fate: 'store', pod: 'crash' },
      { write: 'attempt-done', fate: 'store' },
      { write: 'progress', fate: 'store', pod: 'crash' },
    ],
    plan: slowIntake(15 * SECOND),
  },
];
