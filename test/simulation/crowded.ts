import {
  DAY,
  HOUR,
  MINUTE,
  SECOND,
  lateCreation,
  unevenness,
  type EndpointPlan,
  type FaultKind,
  type Manner,
  type Plan,
} from './plan.ts';
import { randomOf, type Random } from './random.ts';

/** What may go wrong in a crowded quarter of an hour: mostly one family of faults at a time. */
const GRACEFUL: Partial<Record<FaultKind, number>> = { leave: 3, join: 4, roll: 2, storm: 3 };
const families: readonly Partial<Record<FaultKind, number>>[] = [
  GRACEFUL,
  { leave: 2, join: 3, storm: 2, slow: 2, compact: 1 },
  { crash: 4, join: 3, 'router-crash': 3, trap: 10 },
  { 'router-crash': 8, leave: 3, join: 3, roll: 1 },
  { pause: 4, mute: 3, cut: 3, join: 2, storm: 1, trap: 4 },
  {
    crash: 2,
    pause: 2,
    cut: 2,
    join: 3,
    leave: 2,
    slow: 2,
    outage: 1,
    'router-crash': 2,
    config: 2,
    resend: 1,
    trap: 8,
  },
];
const schedules: readonly (readonly number[])[] = [
  [SECOND, 5 * SECOND, 30 * SECOND],
  [2 * SECOND, 58 * SECOND, 58 * SECOND, 3 * MINUTE],
  [20 * SECOND, 58 * SECOND, 90 * SECOND, 4 * MINUTE],
];
const manners: Readonly<Record<Manner, number>> = {
  ...{ good: 3, flaky: 5, slow: 4, hang: 1, failing: 1, 'slow-failing': 2, forgetful: 1, busy: 1 },
  ...{ down: 0, dead: 0, gone: 0, reluctant: 0, breaks: 0, silent: 0, laborious: 0 },
};

/**
 * A quarter of an hour in which there is always something in flight, in a tier and in a queue, and something goes wrong
 * every minute. A seed of a day meets as many deliveries, but seldom at the moment of a fault.
 */
export function crowdedPlan(seed: number): Plan {
  const random = randomOf(seed, 'crowded');
  const weights = random.chance(0.2) ? GRACEFUL : random.pick(families);
  const isGraceful = weights === GRACEFUL;
  const activeMs = 15 * MINUTE;
  const events = eventsOf(random, activeMs - 2 * MINUTE);
  return {
    seed,
    temper: isGraceful ? 'graceful' : 'faulty',
    narrow: false,
    partitions: random.int(1, 2),
    brokers: random.pick([1, 3]),
    members: 3,
    sessionMs: 30 * SECOND,
    tenants: ['acme'],
    endpoints: Array.from({ length: 7 }, (_, at) => endpointOf(seed, random, at, isGraceful)),
    events,
    faults: Array.from({ length: random.int(8, 16) }, () => ({
      // Most of them a moment after something was published.
      atMs: random.chance(0.7)
        ? random.pick(events).atMs + Math.floor(random.next() ** 2 * 10 * SECOND)
        : random.int(10 * SECOND, activeMs),
      kind: random.weighted(weights as Record<FaultKind, number>),
    })).toSorted((x, y) => x.atMs - y.atMs),
    rates: ratesOf(random, isGraceful),
    activeMs,
    latencyMs: random.pick([1, 10, 40, 200]),
    ...unevenness(seed),
  };
}

function eventsOf(random: Random, untilMs: number): Plan['events'] {
  return Array.from({ length: 30 }, (_, at) => ({
    atMs: random.int(5 * SECOND, untilMs),
    ...{ id: `ev-${at}`, tenant: 'acme', type: random.pick(['order.paid', 'order.sent']) },
    ...{ subject: random.pick(['a', 'b']), broken: false },
  })).toSorted((x, y) => x.atMs - y.atMs);
}

function endpointOf(seed: number, random: Random, at: number, isGraceful: boolean): EndpointPlan {
  return {
    id: `e${at}`,
    tenant: 'acme',
    types: at % 2 === 0 ? ['order.paid', 'order.sent'] : [random.pick(['order.paid', 'order.sent'])],
    manner: random.weighted(manners),
    delaysMs: random.pick(schedules),
    spanMs: random.chance(0.2) ? random.pick([5 * MINUTE, HOUR]) : DAY,
    ordering: at < 3 ? random.pick(['endpoint', 'key']) : 'none',
    onExhausted: random.chance(0.2) ? 'stop' : 'skip',
    ratePerMinute: random.chance(0.1) ? 6 : 0,
    timeoutMs: random.pick([5 * SECOND, 15 * SECOND, 30 * SECOND]),
    concurrencyMax: random.pick([1, 2, 16]),
    changes: !isGraceful && random.chance(0.3),
    ...lateCreation(seed, `e${at}`, 5 * MINUTE),
  };
}

function ratesOf(random: Random, isGraceful: boolean): Plan['rates'] {
  const rate = (most: number): number => (!isGraceful && random.chance(0.5) ? random.next() * most : 0);
  return {
    loseAnswer: rate(0.05),
    loseRequest: rate(0.05),
    late: rate(0.05),
    silence: rate(0.005),
    refuse: rate(0.05),
    ask: rate(0.03),
  };
}
