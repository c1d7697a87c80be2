import { isNarrow } from './narrow-limits.ts';
import { randomOf, type Random } from './random.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** How an endpoint treats requests. */
export type Manner =
  | 'failing'
  | 'slow-failing'
  | 'good'
  | 'flaky'
  | 'down'
  | 'dead'
  | 'slow'
  | 'hang'
  | 'busy'
  | 'gone'
  | 'forgetful'
  /** It fails its first request. */
  | 'reluctant'
  /** It is well, then unreachable for an hour. */
  | 'breaks'
  /** It lets every request wait for its deadline. */
  | 'silent'
  /** It fails its first request at once, and takes two seconds for each that follows. */
  | 'laborious';

/** One endpoint of a seed. */
export interface EndpointPlan {
  readonly id: string;
  readonly tenant: string;
  readonly types: readonly string[];
  readonly manner: Manner;
  readonly delaysMs: readonly number[];
  /** From first seen to expiry; null: as the schedule needs. */
  readonly spanMs: number | null;
  readonly ordering: 'none' | 'endpoint' | 'key';
  readonly onExhausted: 'skip' | 'stop';
  readonly ratePerMinute: number;
  readonly timeoutMs: number;
  readonly concurrencyMax: number;
  /** Its configuration changes during the run. */
  readonly changes: boolean;
  /** It is created so much later than the others. */
  readonly createdAtMs?: number;
}

/** One event of a seed. `broken`: it cannot be read. `spare`: it is left out when there are deliveries enough without it. */
export interface EventPlan {
  readonly atMs: number;
  readonly id: string;
  readonly tenant: string;
  readonly type: string;
  readonly subject: string;
  readonly broken: boolean;
  readonly spare?: boolean;
  /** To how many endpoints it is sure to go. */
  readonly sure?: number;
}

export type FaultKind =
  | 'crash'
  | 'pause'
  | 'mute'
  | 'cut'
  | 'leave'
  | 'join'
  | 'roll'
  | 'storm'
  | 'slow'
  | 'outage'
  /** A process reaches no endpoint for a while. */
  | 'cut-off'
  | 'router-crash'
  | 'compact'
  | 'config'
  | 'resend'
  | 'trap'
  // What only directed schedules ask for.
  | 'owner-crash'
  | 'disable'
  | 'enable'
  | 'repeat'
  // What a person on call does: to the first tenant, and to whose the first partition is.
  | 'hold-tenant'
  | 'release-tenant'
  | 'drain-owner';

/** Something that happens at a time; its details are drawn when it does. */
export interface FaultPlan {
  readonly atMs: number;
  readonly kind: FaultKind;
}

/** How likely each write is to go wrong by itself; `ask`: each question to the cluster. */
export interface FaultRates {
  readonly loseAnswer: number;
  readonly loseRequest: number;
  readonly late: number;
  readonly silence: number;
  readonly refuse: number;
  readonly ask: number;
}

/** Everything that a seed decides in advance. */
export interface Plan {
  readonly seed: number;
  /** No fault at all, only moves in good order, or everything. */
  readonly temper: 'calm' | 'graceful' | 'faulty';
  /** It runs with limits that it can reach. */
  readonly narrow: boolean;
  readonly partitions: number;
  readonly brokers: number;
  readonly members: number;
  readonly sessionMs: number;
  readonly tenants: readonly string[];
  readonly endpoints: readonly EndpointPlan[];
  readonly events: readonly EventPlan[];
  readonly faults: readonly FaultPlan[];
  readonly rates: FaultRates;
  /** Until then there are events and faults. */
  readonly activeMs: number;
  readonly latencyMs: number;
  /** What dispatchers read of this topic reaches them so much later. */
  readonly lag?: { readonly topic: string; readonly ms: number };
  /** Whoever asks for a delivery to be sent again asks twice, so long apart. */
  readonly resendAgainMs?: number;
  /** Requests that a dispatcher may have in flight, if not as many as it has by itself. */
  readonly inFlightMax?: number;
  /** What nothing may keep waiting. */
  readonly prompt?: Prompt;
}

/** This attempt of each delivery to endpoints of this manner is made within so long of when it may be. */
export interface Prompt {
  readonly manner: Manner;
  readonly attempt: number;
  readonly withinMs: number;
}

const EVENT_TYPES = ['order.paid', 'order.sent', 'invoice.due', 'user.new', 'user.gone', 'stock.low'];
/** One more than a seed has to have. */
export const DELIVERIES_LEAST = 301;
/** Every router has heard of a new endpoint by then, however slow brokers are. */
export const KNOWN_MS = 15 * MINUTE;

const schedules: readonly (readonly number[])[] = [
  [SECOND, 5 * SECOND, 30 * SECOND],
  [2 * SECOND, 90 * SECOND, 10 * MINUTE],
  [10 * SECOND, 5 * MINUTE, 40 * MINUTE, 3 * HOUR],
  [30 * SECOND, 20 * MINUTE, 2 * HOUR, 8 * HOUR],
  [0, 45 * SECOND, HOUR, 5 * HOUR],
];
/** Long enough for each of them. A span that an endpoint does not name itself is of three days or more. */
const SPAN_MS = 12 * HOUR;
const longSchedule = [MINUTE, HOUR, DAY, 3 * DAY, 4 * DAY, 4 * DAY];

/** The plan of a seed: which kinds of faults there are at all, and how many, differs from seed to seed. */
export function planOf(seed: number): Plan {
  const random = randomOf(seed, 'plan');
  const narrow = isNarrow(seed);
  const temper = random.weighted({ calm: 6, graceful: 14, faulty: 80 });
  const tenants = tenantsOf(seed);
  // What waits for its expiry, and nothing else, makes a seed last for days: some are enough.
  const patience = random.weighted({ hours: 80, days: 18, weeks: 2 });
  const endpoints = endpointsOf(seed, random, tenants, temper, patience);
  const activeMs = random.int(24, 30) * HOUR;
  const bursts = Array.from({ length: random.int(3, 6) }, () => random.int(0, activeMs - 2 * HOUR));
  const faults = [...faultsOf(random, temper, bursts, activeMs), ...cutOffs(seed, temper, bursts)];
  return {
    seed,
    temper,
    narrow,
    partitions: narrow ? 2 : random.int(1, 3),
    brokers: random.pick([1, 3]),
    members: random.chance(0.1) ? 4 : 3,
    sessionMs:
      random.weighted({ '30': 2, '60': 5, '120': 3 }) === '30' ? 30_000 : random.pick([60_000, 60_000, 120_000]),
    tenants,
    endpoints,
    events: eventsOf(random, endpoints, tenants, bursts, narrow ? 30 * SECOND : MINUTE, firstChange(faults)),
    faults,
    rates: ratesOf(random, temper),
    activeMs,
    latencyMs: random.pick([1, 3, 10, 40]),
    ...unevenness(seed),
  };
}

/** Now and then what dispatchers read of one topic lags behind all else, and what is sent again by request is asked for twice. */
export function unevenness(seed: number): Pick<Plan, 'lag' | 'resendAgainMs'> {
  const random = randomOf(seed, 'unevenness');
  const topic = random.pick(['config', 'deliveries', 'retry.1m', 'retry.1h']);
  return {
    ...(random.chance(0.25) && { lag: { topic, ms: random.pick([200, 2 * SECOND, 20 * SECOND]) } }),
    ...(random.chance(0.5) && { resendAgainMs: random.int(1, 30 * SECOND) }),
  };
}

/** When an endpoint is created that is not there from the start. */
export function lateCreation(seed: number, endpoint: string, mostMs: number): Pick<EndpointPlan, 'createdAtMs'> {
  const random = randomOf(seed, `creation of ${endpoint}`);
  return random.chance(0.1) ? { createdAtMs: random.int(1, mostMs) } : {};
}

function endpointsOf(
  seed: number,
  random: Random,
  tenants: readonly string[],
  temper: Plan['temper'],
  patience: 'hours' | 'days' | 'weeks',
): EndpointPlan[] {
  const ordered = random.int(5, 8);
  const manners = {
    good: 40,
    flaky: random.int(5, 30),
    down: random.int(3, 15),
    dead: random.int(0, 4),
    slow: random.int(2, 15),
    hang: random.int(0, 6),
    busy: random.int(0, 6),
    gone: random.chance(0.5) ? 4 : 0,
    forgetful: random.int(0, 5),
  } as const;
  const changes = Array.from({ length: 24 }, () => temper !== 'calm' && random.chance(0.25));
  return Array.from({ length: random.int(20, 21) }, (_, i): EndpointPlan => ({
    id: `e${i}`,
    tenant: tenants[i % tenants.length] ?? '',
    types: EVENT_TYPES.filter((_type, at) => at === i % EVENT_TYPES.length || random.chance(0.4)),
    // What is cancelled or kept is what waits: who is changed mostly fails.
    manner:
      changes[i] === true && random.chance(0.7) ? random.pick(['down', 'flaky', 'hang']) : random.weighted(manners),
    delaysMs: patience === 'weeks' && random.chance(0.2) ? longSchedule : random.pick(schedules),
    spanMs: random.chance(0.15)
      ? random.pick([2 * MINUTE, 30 * MINUTE, 4 * HOUR])
      : patience === 'hours'
        ? SPAN_MS
        : null,
    ordering: i < ordered ? random.pick(['endpoint', 'key']) : 'none',
    onExhausted: random.chance(0.2) ? 'stop' : 'skip',
    ratePerMinute: random.chance(0.1) ? random.pick([6, 60]) : 0,
    timeoutMs: random.pick([5 * SECOND, 15 * SECOND, 30 * SECOND]),
    concurrencyMax: random.pick([1, 2, 16]),
    changes: changes[i] === true,
    ...lateCreation(seed, `e${i}`, 8 * HOUR),
  }));
}

/** Now and then a process reaches no endpoint for a while, mostly amid much work. */
function cutOffs(seed: number, temper: Plan['temper'], bursts: readonly number[]): FaultPlan[] {
  const random = randomOf(seed, 'cut-offs');
  if (temper !== 'faulty' || random.chance(0.7)) return [];
  return Array.from({ length: random.int(1, 4) }, () => ({
    atMs: random.pick(bursts) + random.int(0, 2 * MINUTE),
    kind: 'cut-off' as const,
  }));
}

/** Two tenants, or as many as it takes for a process to tell whose fault it is. */
function tenantsOf(seed: number): readonly string[] {
  const tenants = ['acme', 'globex'];
  return randomOf(seed, 'tenants').chance(0.2) ? [...tenants, 'initech', 'umbrella'] : tenants;
}

function firstChange(faults: readonly FaultPlan[]): number {
  return faults.find(({ kind }) => kind === 'config')?.atMs ?? Infinity;
}

function eventsOf(
  random: Random,
  endpoints: readonly EndpointPlan[],
  tenants: readonly string[],
  bursts: readonly number[],
  burstMs: number,
  changedAtMs: number,
): EventPlan[] {
  const events: EventPlan[] = [];
  const spareFromMs = bursts.toSorted((a, b) => a - b)[bursts.length >> 1] ?? Infinity;
  let deliveries = 0;
  for (let i = 0; deliveries < DELIVERIES_LEAST || i < 20; i += 1) {
    const tenant = random.pick(tenants);
    const type = random.pick(EVENT_TYPES);
    const broken = random.chance(0.025);
    const atMs = random.pick(bursts) + Math.floor(random.next() ** 3 * burstMs);
    const wanting = endpoints.filter((one) => one.tenant === tenant && one.types.includes(type));
    // One that may be disabled by then, or that routers may not know yet, does not count.
    const isSure = ({ changes, createdAtMs = -KNOWN_MS }: EndpointPlan): boolean =>
      atMs > createdAtMs + KNOWN_MS && !(changes && atMs > changedAtMs);
    const sure = broken ? 0 : wanting.filter(isSure).length;
    deliveries += sure;
    const spare = atMs >= spareFromMs;
    events.push({ atMs, id: `ev-${i}`, tenant, type, subject: random.pick(['a', 'b', 'c']), broken, spare, sure });
  }
  return events.toSorted((a, b) => a.atMs - b.atMs);
}

function faultsOf(random: Random, temper: Plan['temper'], bursts: readonly number[], activeMs: number): FaultPlan[] {
  if (temper === 'calm')
    return Array.from({ length: 5 }, () => ({ atMs: random.int(0, activeMs), kind: 'compact' as const }));
  const graceful: Partial<Record<FaultKind, number>> = {
    leave: 3,
    join: 3,
    roll: 2,
    storm: 2,
    config: 5,
    resend: 1,
    compact: 2,
  };
  const rough: Partial<Record<FaultKind, number>> = {
    crash: 4,
    pause: 3,
    mute: 2,
    cut: 2,
    slow: 2,
    outage: 1,
    'router-crash': 2,
    trap: 20,
  };
  const weights: Partial<Record<FaultKind, number>> = {};
  // Each kind is there or not: what only shows without the others is found, too.
  for (const [kind, weight] of Object.entries(temper === 'faulty' ? { ...graceful, ...rough } : graceful) as [
    FaultKind,
    number,
  ][])
    if (kind === 'trap' || random.chance(0.7)) weights[kind] = weight * random.pick([0.5, 1, 2]);
  if (Object.keys(weights).length === 0) weights['roll'] = 1;
  return Array.from({ length: random.int(5, temper === 'faulty' ? 14 : 9) }, () => ({
    // Most of them where something happens; retries happen at all times.
    atMs: random.chance(0.8)
      ? random.pick(bursts) + Math.floor(random.next() ** 3 * 15 * MINUTE)
      : random.int(0, activeMs - HOUR),
    kind: random.weighted(weights as Record<FaultKind, number>),
  })).toSorted((a, b) => a.atMs - b.atMs);
}

function ratesOf(random: Random, temper: Plan['temper']): FaultRates {
  const none = { loseAnswer: 0, loseRequest: 0, late: 0, silence: 0, refuse: 0, ask: 0 };
  if (temper !== 'faulty' || random.chance(0.3)) return none;
  const rate = (most: number): number => (random.chance(0.5) ? random.next() * most : 0);
  return {
    loseAnswer: rate(0.04),
    loseRequest: rate(0.04),
    late: rate(0.02),
    silence: rate(0.004),
    refuse: rate(0.01),
    ask: rate(0.03),
  };
}
