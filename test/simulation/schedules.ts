import { HOUR, MINUTE, SECOND, type EndpointPlan, type Plan } from './plan.ts';
import { crowdedPlan } from './crowded.ts';
import { randomOf } from './random.ts';
import { runPlan, type SeedResult } from './run-seed.ts';
import type { Step } from './director.ts';

/** A schedule that is too rare for chance: which writes go wrong, one after the other. */
export interface Schedule {
  readonly name: string;
  readonly about: string;
  /** Before the repetitions of the delivery that is followed. */
  readonly delaysMs: readonly number[];
  readonly steps: readonly Step[];
  /** How its endpoint treats requests, if not by failing all of them. */
  readonly manner?: EndpointPlan['manner'];
}

/** Just above or just below the longest wait of the first tier, as its jitter has it. */
const EITHER_TIER_MS = 58 * SECOND;

/**
 * Each needs a process that dies within milliseconds of a certain write, mostly twice, and a write that comes minutes late.
 * What is called A and B are the tiers of up to a minute and of up to an hour.
 */
export const schedules: readonly Schedule[] = [
  {
    name: 'late-tombstone-over-newer-row',
    about: 'the tombstone of a move comes after the next owner has put a newer row in its place, and that owner dies',
    delaysMs: [20 * SECOND, EITHER_TIER_MS, EITHER_TIER_MS, 10 * MINUTE],
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
];

/** No steps, but so much at once that chance meets what it seldom meets in a whole day. */
const crowded = {
  name: 'crowded',
  about: 'a quarter of an hour in which something goes wrong every minute, amid much work',
};

export function scheduleNames(): readonly Pick<Schedule, 'name' | 'about'>[] {
  return [crowded, ...schedules];
}

/** Runs a schedule once; seeds differ in times, latencies and jitter. Throws for one that is not listed. */
export async function runSchedule(
  name: string,
  seed: number,
  options: { readonly trace: boolean },
): Promise<SeedResult> {
  if (name === crowded.name) return runPlan(crowdedPlan(seed), options);
  const schedule = schedules.find((one) => one.name === name);
  if (schedule === undefined) throw new Error(`there is no schedule ${name}; --list names them`);
  return runPlan(planFor(schedule, seed), { ...options, steps: schedule.steps });
}

/** A small installation: the followed delivery is the first one for the endpoint that fails. */
function planFor({ delaysMs, manner }: Schedule, seed: number): Plan {
  const random = randomOf(seed, 'schedule');
  const endpoint = (id: string, manner: EndpointPlan['manner']): EndpointPlan => ({
    ...{ id, manner, delaysMs, tenant: 'acme', types: ['order.paid'], spanMs: null, ordering: 'none' },
    ...{ onExhausted: 'skip', ratePerMinute: 0, timeoutMs: 15 * SECOND, concurrencyMax: 4, changes: false },
  });
  return {
    seed,
    temper: 'faulty',
    narrow: false,
    partitions: 1,
    brokers: random.pick([1, 3]),
    members: 3,
    sessionMs: 30 * SECOND,
    tenants: ['acme'],
    endpoints: [endpoint('e0', manner ?? random.pick(['failing', 'slow-failing'])), endpoint('e1', 'good')],
    events: Array.from({ length: random.int(1, 4) }, (_, i) => ({
      atMs: MINUTE + (i === 0 ? 0 : random.int(1, 5 * MINUTE)),
      ...{ id: `ev-${i}`, tenant: 'acme', type: 'order.paid', subject: 'a', broken: false },
    })),
    faults: [],
    rates: { loseAnswer: 0, loseRequest: 0, late: 0, silence: 0, refuse: 0, ask: 0 },
    activeMs: HOUR,
    latencyMs: random.pick([1, 5, 20]),
  };
}
