import { MINUTE } from './plan.ts';
import type { ProduceAttempt, ProduceFault } from '@postrider/kafka/testing';
import type { Fleet, Pod } from './fleet.ts';
import type { WriteName } from './referee/named-writes.ts';

/** One step of a directed schedule: it waits for a write, and says what becomes of it and of its process. */
export interface Step {
  readonly write: WriteName | readonly WriteName[];
  /** Only on this topic, by the last part of its name. */
  readonly topic?: string;
  /** Of any delivery; else only of the one that the schedule follows, and of ownership. */
  readonly anyDelivery?: true;
  /** Only of a process that did not make the last step. */
  readonly byAnother?: true;
  /** Only so long after the step before. */
  readonly afterMs?: number;
  readonly fate: 'store' | 'lose' | 'hold';
  /** What the step waits for is lost for so long, whoever writes it. */
  readonly forMs?: number;
  /** What becomes of the process at that moment, before it hears of its write. */
  readonly pod?: 'crash' | 'pause';
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
  /** How many steps are left. */
  readonly left: number;
  /** The schedule is over, wherever it stands: what is held is never stored. */
  end(): void;
}

const PREFIX = 'postrider.'.length;
/** Longer than any request takes to be stored: what comes after a write comes so much later. */
const AFTER_MS = 400;
const PAUSE_MS = 5 * MINUTE;
/** No write lives longer on its way: brokers close connections that say nothing. */
const HELD_MS_MAX = 10 * MINUTE;

export function createDirector(options: DirectorOptions): Director {
  const { fleet, now, after, trace } = options;
  const left = [...options.steps];
  let held: (() => void)[] = [];
  let last: Pod | null = null;
  let lastAt = -Infinity;
  let losing: Step | null = null;

  function matches(step: Step, attempt: ProduceAttempt, names: readonly (WriteName | null)[], pod: Pod): boolean {
    const topic = attempt.topic.slice(PREFIX);
    if (step.topic !== undefined && step.topic !== topic) return false;
    if (step.byAnother === true && pod === last) return false;
    if (step.afterMs !== undefined && now() < lastAt + step.afterMs) return false;
    const wanted = [step.write].flat();
    return attempt.records.some((record, at) => {
      const name = names[at];
      if (name === null || name === undefined || !wanted.includes(name)) return false;
      return step.anyDelivery === true || topic === 'ownership' || record.key?.toString() === options.followed();
    });
  }

  const storeHeld = (): void => {
    for (const store of held.splice(0)) store();
  };

  function hold(store: () => void): void {
    held.push(store);
    after(HELD_MS_MAX, () => (held = held.filter((other) => other !== store)));
  }

  function take(step: Step, pod: Pod): ProduceFault | 'store' {
    trace(`schedule: ${[step.write].flat().join(' or ')} of ${pod.id}: ${step.fate} ${step.pod ?? ''}`);
    last = pod;
    lastAt = now();
    if (step.held === 'before') storeHeld();
    if (step.held === 'after') after(AFTER_MS, storeHeld);
    if (step.held === 'drop') held = [];
    if (step.compact === true) after(AFTER_MS, options.compact);
    if (step.pod === 'crash') {
      fleet.kill(pod);
      after(MINUTE, () => fleet.living('dispatcher').length < 2 && fleet.start('dispatcher'));
    }
    if (step.pod === 'pause') fleet.freeze(pod, PAUSE_MS);
    if (step.forMs !== undefined) {
      losing = step;
      after(step.forMs, () => (losing = null));
    }
    if (step.fate === 'hold') return { kind: 'hold', held: hold };
    if (step.fate === 'lose') return { kind: 'lose-request' };
    return step.pod === 'crash' ? { kind: 'lose-answer' } : 'store';
  }

  return {
    decide(attempt, names, pod) {
      if (losing !== null && matches(losing, attempt, names, pod)) return { kind: 'lose-request' };
      const step = left[0];
      if (step === undefined || !matches(step, attempt, names, pod)) return undefined;
      left.shift();
      return take(step, pod);
    },
    get left() {
      return left.length;
    },
    end() {
      left.length = 0;
      losing = null;
      held = [];
    },
  };
}
