import type { AskFault, ProduceAttempt, ProduceFault } from '@postrider/kafka/testing';
import { MINUTE, SECOND, type Plan } from './plan.ts';
import { randomOf, type Random } from './random.ts';
import { nameOfWrite, writeNames, type WriteName } from './referee/named-writes.ts';
import type { Coverage } from './coverage.ts';
import type { Director } from './director.ts';
import type { Fleet, Pod } from './fleet.ts';
import type { Referee } from './referee/referee.ts';

/** What happens to a write that a trap was set for. */
export type Spring =
  /** Its process dies and nothing was stored. */
  | 'crash-before'
  /** It is stored, and its process dies before it hears of it. */
  | 'crash-after'
  /** Its process dies; the write is stored minutes later, or never. */
  | 'crash-late'
  /** Its process stands still; the write is stored. */
  | 'pause-after'
  /** It is stored minutes later, and sent again at once. */
  | 'late-copy';

interface Trap {
  readonly write: WriteName;
  readonly spring: Spring;
}

export interface TrapsOptions {
  readonly plan: Plan;
  readonly fleet: Fleet;
  readonly referee: Referee;
  readonly coverage: Coverage;
  /** Leads the run, if it is a directed one. */
  readonly director: Director | null;
  readonly after: (ms: number, action: () => void) => void;
  readonly trace: (what: string) => void;
}

/** Waits for certain writes, and makes something go wrong right before or after them. */
export interface Traps {
  /** Sets a trap for some write. */
  arm(): void;
  /** Asked about each write as it leaves its process. */
  decide(attempt: ProduceAttempt): ProduceFault | undefined;
  /** A request of this delivery is about to leave its process. */
  request(process: string, deliveryId: string): void;
  /** The router is about to commit: kills it before or after. */
  commits(process: string): 'before' | 'after' | undefined;
  /** Asked about each question to the cluster that is not about a write, as it leaves its process. */
  asked(): AskFault | undefined;
  /** Nothing goes wrong any more. */
  end(): void;
}

const PREFIX = 'postrider.'.length;
/** No write lives longer on its way: brokers close connections that say nothing. */
const LATE_MS_MAX = 10 * MINUTE;
const TRAPS_MAX = 6;
/** What happens seldom enough that a trap often waits for it in vain. */
const seldomWrites: readonly WriteName[] = [
  'claim',
  'first-progress',
  'released',
  'row-rewritten',
  'row-moved',
  'row-guard',
  'tombstone-older',
  'tombstone-every-tier',
  'tombstone-answer',
  'attempt-dead',
  'attempt-cancelled',
  'attempt-stopped',
  'operations-event',
  'quarantine',
];

export function createTraps(options: TrapsOptions): Traps {
  return new AllTraps(options);
}

class AllTraps implements Traps {
  readonly #o: TrapsOptions;
  readonly #random: Random;
  #armed: Trap[] = [];
  /** For what happens so seldom that it must be waited for all the time. */
  #standing: Trap[] = [];
  #over = false;

  constructor(options: TrapsOptions) {
    this.#o = options;
    this.#random = randomOf(options.plan.seed, 'traps');
    const { plan, director } = options;
    if (plan.temper !== 'faulty' || director !== null) return;
    for (const [write, isPossible] of standingTraps(plan))
      if (isPossible && this.#random.chance(0.6))
        this.#standing.push({ write, spring: this.#random.pick(['crash-before', 'crash-after']) });
  }

  arm(): void {
    const write = this.#random.chance(0.4) ? this.#random.pick(seldomWrites) : this.#random.pick(writeNames);
    const spring = this.#random.weighted<Spring>({
      // As often after a write as before it: what comes late has not come before, either.
      'crash-before': 3,
      'crash-after': 6,
      'crash-late': 3,
      'pause-after': 2,
      'late-copy': 2,
    });
    // A trap for what never happens must not stand in the way of the others.
    this.#armed = [...this.#armed, { write, spring }].slice(-TRAPS_MAX);
  }

  decide(attempt: ProduceAttempt): ProduceFault | undefined {
    const topic = attempt.topic.slice(PREFIX);
    const { referee, fleet } = this.#o;
    const names = attempt.records.map((record) => nameOfWrite(topic, record, (key) => referee.cases.get(key)));
    referee.handedOver(
      attempt.clientId,
      topic,
      attempt.partition,
      names.includes('claim') || names.includes('released'),
    );
    for (const name of names) if (name !== null) this.#o.coverage.written(name);
    if (this.#over) return undefined;
    const pod = fleet.find(attempt.clientId);
    if (pod === undefined) return undefined;
    const directed = pod.state === 'gone' ? undefined : this.#o.director?.decide(attempt, names, pod);
    if (directed !== undefined) return directed === 'store' ? undefined : directed;
    // The rest of the same request, whose process died a moment ago.
    if (pod.state === 'gone') return this.#crashed(names, this.#random.chance(0.5) ? 'after' : 'before');
    const trap = [...this.#armed, ...this.#standing].find(({ write }) => names.includes(write));
    if (trap === undefined) return this.#byItself(names);
    this.#armed = this.#armed.filter((other) => other !== trap);
    this.#standing = this.#standing.filter((other) => other !== trap);
    return this.#spring(trap, pod, names);
  }

  request(process: string, deliveryId: string): void {
    const pod = this.#over ? undefined : this.#o.fleet.find(process);
    if (pod !== undefined) this.#o.director?.request(deliveryId, pod);
  }

  commits(process: string): 'before' | 'after' | undefined {
    const trap = this.#over ? undefined : this.#armed.find(({ write }) => write === 'router-commit');
    const pod = this.#o.fleet.find(process);
    if (trap === undefined || pod?.role !== 'router' || pod.state !== 'running') return undefined;
    this.#armed = this.#armed.filter((other) => other !== trap);
    const moment = trap.spring === 'crash-before' || trap.spring === 'crash-late' ? 'before' : 'after';
    this.#o.coverage.crash('router-commit', moment);
    return moment;
  }

  asked(): AskFault | undefined {
    const { rates } = this.#o.plan;
    if (this.#over || rates.ask === 0 || !this.#random.chance(rates.ask)) return undefined;
    this.#o.coverage.count('questions gone wrong');
    return this.#random.pick<AskFault>([
      { kind: 'lose-request' },
      { kind: 'lose-answer' },
      { kind: 'delay-answer', ms: this.#random.int(1, 20) * 1_000 },
    ]);
  }

  end(): void {
    this.#over = true;
    this.#armed = [];
    this.#o.director?.end();
  }

  #spring({ write, spring }: Trap, pod: Pod, names: readonly (WriteName | null)[]): ProduceFault | undefined {
    const { fleet, trace, after } = this.#o;
    trace(`a trap for ${write} of ${pod.id} springs: ${spring}`);
    const kill = (): void => {
      fleet.kill(pod);
      after(this.#random.pick([10, 5 * SECOND, MINUTE]), () => {
        if (!this.#over && fleet.living(pod.role).length < this.#o.plan.members) fleet.start(pod.role);
      });
    };
    switch (spring) {
      case 'crash-before':
        kill();
        return this.#crashed(names, 'before');
      case 'crash-after':
        kill();
        return this.#crashed(names, 'after');
      case 'crash-late':
        kill();
        this.#crashed(names, 'before');
        return this.#late();
      case 'pause-after':
        // A router that stands still for longer repeats what no owner remembers any more.
        if (pod.role === 'router') fleet.freeze(pod, this.#random.int(1, 60) * 1_000);
        else fleet.freeze(pod, Math.floor(this.#o.plan.sessionMs * this.#random.pick([0.5, 1.2, 4])));
        return undefined;
      case 'late-copy':
        return this.#late();
    }
  }

  #crashed(names: readonly (WriteName | null)[], moment: 'before' | 'after'): ProduceFault {
    for (const name of new Set(names)) if (name !== null) this.#o.coverage.crash(name, moment);
    return { kind: moment === 'before' ? 'lose-request' : 'lose-answer' };
  }

  #late(): ProduceFault {
    this.#o.coverage.count('late writes');
    return { kind: 'store-late', ms: Math.floor(this.#random.next() ** 2 * LATE_MS_MAX) };
  }

  /** What goes wrong without any trap, as often as the plan says. */
  #byItself(names: readonly (WriteName | null)[]): ProduceFault | undefined {
    const { rates } = this.#o.plan;
    let left = this.#random.next();
    if ((left -= rates.loseAnswer) < 0) return { kind: 'lose-answer' };
    if ((left -= rates.loseRequest) < 0) return { kind: 'lose-request' };
    if ((left -= rates.late) < 0 && !names.includes('delivery')) return this.#late();
    if (left < 0) return undefined;
    if ((left -= rates.silence) < 0) return { kind: 'silence', stored: this.#random.chance(0.5) };
    // NOT_ENOUGH_REPLICAS, and now and then a refusal for good, which the next try finds gone.
    if ((left -= rates.refuse) < 0) return { kind: 'refuse', errorCode: this.#random.chance(0.8) ? 19 : 29 };
    return undefined;
  }
}

function standingTraps({ narrow, endpoints, faults }: Plan): (readonly [write: WriteName, isPossible: boolean])[] {
  return [
    ['row-guard', narrow],
    ['attempt-cancelled', faults.some(({ kind }) => kind === 'config')],
    ['attempt-stopped', endpoints.some(({ onExhausted }) => onExhausted === 'stop')],
    ['operations-event', endpoints.some(({ manner }) => manner === 'gone')],
  ];
}
