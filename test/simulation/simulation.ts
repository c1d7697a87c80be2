import { createHash } from 'node:crypto';
import { TIERS, limits } from '@postrider/core';
import { topicSpecs } from '@postrider/kafka';
import {
  createFakeClock,
  createFakeKafka,
  settleMicrotasks,
  type FakeClock,
  type FakeKafka,
} from '@postrider/kafka/testing';
import { createCoverage, type Coverage } from './coverage.ts';
import { createCustomers, type Customers } from './customers.ts';
import { createDirector, type Director, type Step } from './director.ts';
import { createFaults } from './faults.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { NARROW_LOOK_BACK_OFFSETS } from './narrow-limits.ts';
import { HOUR, type Plan } from './plan.ts';
import { createPublisher } from './publisher.ts';
import { hashOf, randomOf } from './random.ts';
import { createReceivers } from './receivers.ts';
import { createByHand } from './referee/by-hand.ts';
import { createReach } from './referee/reach.ts';
import { createReferee, type Referee } from './referee/referee.ts';
import { createTraps } from './traps.ts';

/** Nothing takes longer on its way, however slow brokers are: a client gives up long before. */
const TRAVEL_MS_MAX = 60_000;

/** One installation over a fake Kafka, with everything that happens to it. */
export interface Simulation {
  readonly clock: FakeClock;
  readonly kafka: FakeKafka;
  readonly fleet: Fleet;
  readonly referee: Referee;
  readonly customers: Customers;
  readonly coverage: Coverage;
  readonly lines: string[];
  /** Events that were not needed any more. */
  readonly leftOut: ReadonlySet<string>;
  /** Starts everything; events and faults will happen by themselves. */
  begin(): void;
  /** Faults are over: everybody lives, and every endpoint answers. */
  calmDown(): void;
  /** Virtual ms since the start. */
  elapsed(): number;
  /** Runs the log cleaner over everything that is compacted. */
  compact(): void;
  /** Stands for everything that was observed, in order. */
  traceHash(): string;
}

/** How a plan is run. */
export interface RunOptions {
  /** Every step is kept as a line. */
  readonly trace: boolean;
  /** A directed schedule. */
  readonly steps?: readonly Step[];
}

const START = 1_767_225_600_000;

/** The installation of a plan; nothing has happened yet. With `trace` every step is kept as a line. */
export function createSimulation(plan: Plan, options: RunOptions): Simulation {
  return new OneSimulation(plan, options);
}

class OneSimulation implements Simulation {
  readonly clock = createFakeClock(START, settleMicrotasks);
  readonly kafka: FakeKafka;
  readonly fleet: Fleet;
  readonly referee: Referee;
  readonly customers: Customers;
  readonly coverage = createCoverage();
  readonly lines: string[] = [];
  readonly #plan: Plan;
  readonly #tracing: boolean;
  readonly #startedAt: number;
  readonly #reach;
  readonly #receivers;
  readonly #traps;
  readonly #director: Director | null;
  readonly #faults;
  readonly #publisher;
  #hash = 0;
  #slow = 1;

  constructor(plan: Plan, { trace: tracing, steps = [] }: RunOptions) {
    this.#plan = plan;
    this.#tracing = tracing;
    this.#startedAt = this.clock.now();
    this.kafka = this.#createKafka();
    this.customers = createCustomers(this.kafka, plan);
    const { kafka, clock, customers, coverage } = this;
    const elapsed = (): number => this.elapsed();
    const trace = (what: string): void => this.#trace(what);
    this.referee = createReferee({
      partitions: plan.partitions,
      customers,
      now: () => clock.now(),
      startedAt: this.#startedAt,
      repeatKnownOffsets: (plan.narrow ? NARROW_LOOK_BACK_OFFSETS : limits.repeatLookBackOffsetsMax) / 2,
      expelled: (process) => kafka.expelled('postrider.dispatcher', process),
      onReignEnd: (how) => coverage.count(`reigns ${how}`),
    });
    const { referee } = this;
    const leaves = (process: string, deliveryId: string): void => this.#traps.request(process, deliveryId);
    const untouched = (endpointUid: string): boolean => customers.byUid(endpointUid)?.untouched === true;
    this.#reach = createReach({
      elapsed,
      problem: (kind, text) => referee.problem(kind, text),
      onSaid: () => coverage.count('cut off, and said so'),
    });
    const byHand = createByHand({ customers, referee, elapsed });
    this.#receivers = createReceivers({ plan, referee, reach: this.#reach, elapsed, trace, leaves, untouched, byHand });
    this.fleet = createFleet({
      ...{ plan, kafka, clock, trace },
      sendOf: (port, process) => this.#receivers.sendOf(port, process),
      problem: (kind, text) => referee.problem(kind, text),
      hear: (pod, level, fields, message) => this.#heard(pod, level, fields, message),
    });
    const { fleet } = this;
    const after = (ms: number, action: () => void): void => void clock.after(ms, action);
    this.#publisher = createPublisher({ plan, kafka, referee });
    const followed = (): string | null => referee.firstOf('ep_e0');
    const compact = (): void => this.compact();
    const directing = { steps, fleet, now: () => clock.now(), after, trace, compact, followed };
    this.#director = steps.length === 0 ? null : createDirector(directing);
    this.#traps = createTraps({ plan, fleet, referee, coverage, director: this.#director, after, trace });
    this.#faults = createFaults({
      ...{ plan, fleet, customers, after, trace, byHand, traps: this.#traps },
      compact,
      resend: () => this.#publisher.resend(clock.now()),
      repeat: () => this.#publisher.repeat(),
      owner: () => fleet.find(referee.ghost(0).processId),
      slowDown: (factor) => (this.#slow = factor),
      brokers: (up) => (up ? kafka.brokerUp() : kafka.brokerDown()),
      unordered: ({ uid }) => referee.forgetOrder(uid),
      cutOff: ({ id }, forMs) => {
        trace(`${id} reaches no endpoint for ${forMs} ms`);
        this.#reach.cutOff(id, forMs);
      },
    });
    this.#watch();
  }

  begin(): void {
    const { plan } = { plan: this.#plan };
    this.fleet.start('router');
    for (let member = 0; member < plan.members; member += 1) this.fleet.start('dispatcher');
    for (const event of plan.events) this.clock.after(event.atMs, () => this.#publisher.publish(event));
    for (const fault of plan.faults)
      this.clock.after(fault.atMs, () => {
        this.#trace(`fault: ${fault.kind}`);
        this.coverage.count(`fault ${fault.kind}`);
        this.#faults.happen(fault);
      });
  }

  get leftOut(): ReadonlySet<string> {
    return this.#publisher.leftOut;
  }

  calmDown(): void {
    this.#trace('faults are over');
    if (this.#director !== null) this.coverage.count(`schedules with ${this.#director.left} steps left`);
    this.#traps.end();
    this.#faults.end();
    this.#reach.end();
    this.#receivers.recover();
    this.referee.calmAt = this.clock.now();
  }

  elapsed(): number {
    return this.clock.now() - this.#startedAt;
  }

  compact(): void {
    for (const tier of TIERS) {
      const topic = `postrider.${tier}`;
      const removed = this.kafka.compact(topic);
      this.#trace(`compaction takes ${removed} records of ${tier}`);
      if (removed > 0) this.referee.compacted(tier, this.kafka.records(topic));
    }
    this.kafka.compact('postrider.ownership');
    this.kafka.compact('postrider.config');
  }

  traceHash(): string {
    return createHash('sha256').update(String(this.#hash)).digest('hex').slice(0, 16);
  }

  #createKafka(): FakeKafka {
    const plan = this.#plan;
    const random = randomOf(plan.seed, 'network');
    const most = plan.latencyMs;
    const kafka = createFakeKafka({
      clock: this.clock,
      brokers: plan.brokers,
      computedHeartbeats: true,
      latency: (travel, clientId, topic) =>
        Math.min((random.chance(0.01) ? random.int(1, 50) * most : random.int(0, most)) * this.#slow, TRAVEL_MS_MAX) +
        (travel === 'fetch' && topic === `postrider.${plan.lag?.topic}` && clientId.startsWith('d')
          ? (plan.lag?.ms ?? 0)
          : 0),
      leaderOf: (topic, partition) => ((hashOfTopic(topic) + partition) >>> 0) % plan.brokers,
    });
    const spec = { prefix: 'postrider.', partitions: plan.partitions, replicationFactor: 1, bodyBytesMax: 262_144 };
    kafka.createTopics(topicSpecs(spec));
    return kafka;
  }

  #watch(): void {
    const { kafka, referee, coverage, fleet } = this;
    kafka.onStored((records, clientId) => {
      if (clientId === null) {
        referee.stored(records);
        return;
      }
      for (const record of records) {
        const { topic, partition, offset, key, value } = record;
        this.#hash = Math.imul(this.#hash ^ hashOfTopic(topic), 31) + partition * 7 + offset + (value?.length ?? -1);
        if (this.#tracing)
          this.#line(`stored ${topic}/${partition}@${offset} of ${clientId}: ${key?.toString()} ${describe(record)}`);
      }
      referee.stored(records);
    });
    kafka.onProduce((attempt) => this.#traps.decide(attempt));
    kafka.onAsk((process, what) => {
      const commit = what === 'commit' ? this.#traps.commits(process) : undefined;
      const pod = commit === undefined ? undefined : fleet.find(process);
      if (commit === 'before' && pod !== undefined) {
        fleet.kill(pod);
        this.clock.after(100, () => fleet.living('router').length > 0 || fleet.start('router'));
      }
      if (commit === 'after' && pod !== undefined) {
        this.clock.after(1, () => {
          fleet.kill(pod);
          fleet.start('router');
        });
        return { kind: 'delay-answer', ms: 50 };
      }
      return this.#traps.asked();
    });
    coverage.count('seeds');
    coverage.count(`seeds ${this.#plan.temper}`);
  }

  #heard(
    pod: string,
    level: 'info' | 'warn' | 'error',
    fields: Readonly<Record<string, unknown>>,
    message: string,
  ): void {
    this.#reach.heard(pod, fields, message);
    if (message === 'partition.claimed') this.coverage.count(`claims: ${String(fields['why'])}`);
    if (message === 'partition.lost') this.coverage.count(`lost: ${String(fields['how'])}`);
    if (this.#tracing && message !== 'delivery.attempted')
      this.#line(
        `${pod} ${level}: ${message} ${JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? value.message : value))}`,
      );
  }

  #trace(what: string): void {
    this.#hash = Math.imul(this.#hash ^ hashOf(what), 31) + this.elapsed();
    this.#line(what);
  }

  #line(what: string): void {
    if (this.#tracing) this.lines.push(`${timeText(this.elapsed())} ${what}`);
  }
}

const topicHashes = new Map<string, number>();

/** Asked for with every write. */
function hashOfTopic(topic: string): number {
  let hash = topicHashes.get(topic);
  if (hash === undefined) topicHashes.set(topic, (hash = hashOf(topic)));
  return hash;
}

function describe({ value, headers }: { readonly value: Buffer | null; readonly headers: object }): string {
  return value === null
    ? 'null'
    : `${value.length} bytes ${Object.keys(headers).length > 0 ? '' : value.toString('hex').slice(0, 60)}`;
}

function timeText(ms: number): string {
  const hours = Math.floor(ms / HOUR);
  return `${String(hours).padStart(3)}:${new Date(ms % HOUR).toISOString().slice(14, 23)}`;
}
