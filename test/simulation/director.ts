import { MINUTE, SECOND } from './plan.ts';
import type { ProduceAttempt, ProduceFault } from '@postrider/kafka/testing';
import type { Fleet, Pod } from './fleet.ts';
import type { WriteName } from './referee/named-writes.ts';

/** A request of the followed delivery that is about to leave its process, amid the writes that a step waits for. */
const REQUEST = 'request';

/** One step of a directed schedule: it waits for a write, and says what becomes of it and of its process. */
export interface Step {
  readonly write: typeof REQUEST | WriteName | readonly WriteName[];
  /** Only on this topic, by the last part of its name. */
  readonly topic?: string;
  /** Of any delivery; else only of the one that the schedule follows, and of ownership. */
  readonly anyDelivery?: true;
  /** Only of a process that did not make the last step. */
  readonly byAnother?: true;
  /** Only so long after the step before. */
  readonly afterMs?: number;
  readonly fate: 'store' | 'lose' | 'hold' | 'refuse';
  /** What the step waits for is lost, or refused, for so long, whoever writes it. */
  readonly forMs?: number;
  /** What becomes of the process at that moment, before it hears of its write. */
  readonly pod?: 'crash' | 'pause' | 'leave';
  /** Another dispatcher starts. */
  readonly joins?: true;
  /** What was held before is stored before this write is, or after it, or never. */
  readonly held?: 'before' | 'after' | 'drop';
  /** The log cleaner runs, then. */
  readonly compact?: true;
}

export interface DirectorOptions {
  readonly steps: readonly Step[];
  readonly fleet: Fleet;
  readonly now: () => number;
  readonly after: (ms: number, action: () => void) => void;
  readonly trace: (what: string) => void;
  readonly compact: () => void;
  /** The key of the delivery that is followed; null while there is none. */
  readonly followed: () => string | null;
}

/** Leads a run along a schedule that chance would not find. */
export interface Director {
  /** Asked about each write as it leaves its process; `undefined`: not this one's business. */
  decide(attempt: ProduceAttempt, names: readonly (WriteName | null)[], pod: Pod): ProduceFault | 'store' | undefined;
  /** The same about a request. */
  request(deliveryId: string, pod: Pod): void;
  /** How many steps are left. */
  readonly left: number;
  /** The schedule is over, wherever it stands: what is held is never stored. */
  end(): void;
}

const PREFIX = 'postrider.'.length;
/** Longer than any request takes to be stored: what comes after a write comes so much later. */
const AFTER_MS = 400;
const PAUSE_MS = 5 * MINUTE;
/** Refused for good, until somebody mends what the brokers allow: whoever wrote it tries again later. */
const TOPIC_AUTHORIZATION_FAILED = 29;
/** No write lives longer on its way: brokers close connections that say nothing. */
const HELD_MS_MAX = 10 * MINUTE;

/** A director whose first step is waited for. */
export function createDirector(options: DirectorOptions): Director {
  return new OneDirector(options);
}

class OneDirector implements Director {
  readonly #o: DirectorOptions;
  readonly #left: Step[];
  #held: (() => void)[] = [];
  #last: Pod | null = null;
  #lastAt = -Infinity;
  /** What it waited for is still being lost. */
  #losing: Step | null = null;

  constructor(options: DirectorOptions) {
    this.#o = options;
    this.#left = [...options.steps];
  }

  get left(): number {
    return this.#left.length;
  }

  decide(attempt: ProduceAttempt, names: readonly (WriteName | null)[], pod: Pod): ProduceFault | 'store' | undefined {
    if (this.#losing !== null && this.#matches(this.#losing, attempt, names)) return failing(this.#losing);
    const step = this.#left[0];
    if (step === undefined || !this.#isTurn(step, pod) || !this.#matches(step, attempt, names)) return undefined;
    this.#left.shift();
    this.#take(step, pod);
    if (step.fate === 'hold') return { kind: 'hold', held: (store) => this.#hold(store) };
    if (step.fate === 'lose' || step.fate === 'refuse') return failing(step);
    return step.pod === 'crash' ? { kind: 'lose-answer' } : 'store';
  }

  request(deliveryId: string, pod: Pod): void {
    const step = this.#left[0];
    if (step?.write !== REQUEST || deliveryId !== this.#o.followed()) return;
    this.#left.shift();
    this.#take(step, pod);
  }

  end(): void {
    this.#left.length = 0;
    this.#losing = null;
    this.#held = [];
  }

  #isTurn({ byAnother, afterMs = 0 }: Step, pod: Pod): boolean {
    return this.#o.now() >= this.#lastAt + afterMs && !(byAnother === true && pod === this.#last);
  }

  #matches(step: Step, attempt: ProduceAttempt, names: readonly (WriteName | null)[]): boolean {
    const { followed } = this.#o;
    const topic = attempt.topic.slice(PREFIX);
    if (step.topic !== undefined && step.topic !== topic) return false;
    const wanted: readonly string[] = [step.write].flat();
    return attempt.records.some((record, at) => {
      const name = names[at];
      if (name === null || name === undefined || !wanted.includes(name)) return false;
      return step.anyDelivery === true || topic === 'ownership' || record.key?.toString() === followed();
    });
  }

  #take(step: Step, pod: Pod): void {
    const { now, after, trace, compact } = this.#o;
    trace(`schedule: ${[step.write].flat().join(' or ')} of ${pod.id}: ${step.fate} ${step.pod ?? ''}`);
    this.#last = pod;
    this.#lastAt = now();
    if (step.held === 'before') this.#storeHeld();
    if (step.held === 'after') after(AFTER_MS, () => this.#storeHeld());
    if (step.held === 'drop') this.#held = [];
    if (step.compact === true) after(AFTER_MS, compact);
    if (step.forMs !== undefined) {
      this.#losing = step;
      after(step.forMs, () => {
        if (this.#losing === step) this.#losing = null;
      });
    }
    this.#upset(step, pod);
  }

  /** What becomes of processes. */
  #upset(step: Step, pod: Pod): void {
    const { fleet, after } = this.#o;
    if (step.pod === 'crash') {
      fleet.kill(pod);
      if (pod.role === 'router') after(SECOND, () => void fleet.start('router'));
      after(MINUTE, () => fleet.living('dispatcher').length < 2 && fleet.start('dispatcher'));
    }
    if (step.pod === 'pause') fleet.freeze(pod, PAUSE_MS);
    if (step.pod === 'leave') after(1, () => fleet.terminate(pod));
    if (step.joins === true) fleet.start('dispatcher');
  }

  #storeHeld(): void {
    for (const store of this.#held.splice(0)) store();
  }

  #hold(store: () => void): void {
    this.#held.push(store);
    this.#o.after(HELD_MS_MAX, () => (this.#held = this.#held.filter((other) => other !== store)));
  }
}

function failing({ fate }: Step): ProduceFault {
  return fate === 'refuse' ? { kind: 'refuse', errorCode: TOPIC_AUTHORIZATION_FAILED } : { kind: 'lose-request' };
}
