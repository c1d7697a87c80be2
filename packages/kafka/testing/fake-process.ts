import { KafkaError } from '../src/port.ts';
import { createFakePulse } from './fake-pulse.ts';
import type { Clock } from '@postrider/core';
import type { FakeCluster } from './fake-cluster.ts';

/** What a process may ask of the cluster, as fault handlers are told. */
export type Question =
  | 'admin'
  | 'offsets'
  | 'describe-group'
  | 'commit'
  | 'committed'
  | 'heartbeat'
  | 'join'
  | 'leave'
  | 'metadata';

/** What happens to a question. */
export type AskFault =
  /** It never reaches the cluster. */
  | { readonly kind: 'lose-request' }
  /** The cluster does as asked; nobody hears of it. */
  | { readonly kind: 'lose-answer' }
  /** Answered `ms` later, as it was when asked. */
  | { readonly kind: 'delay-answer'; readonly ms: number };

/**
 * One client process as seen from outside: it runs, stands still (SIGSTOP), is cut from the cluster, or is dead (SIGKILL).
 * Whatever it does to the cluster, hears from it or plans on its clock goes through here.
 */
export interface FakeProcess {
  readonly clientId: string;
  /** The cluster's clock, whose timers wait while the process stands still and never run once it is dead. */
  readonly clock: Clock;
  readonly alive: boolean;
  /** Neither dead nor standing still, with a way to the cluster. */
  readonly reaches: boolean;
  /** Nothing passes between it and the cluster. */
  readonly cutOff: boolean;
  /** Heartbeats get lost. */
  readonly mute: boolean;
  /** Runs now, when thawed, or never. */
  run(action: () => void): void;
  /** The same for records and requests that come in or go out: the process is not idle. */
  io(action: () => void): void;
  /**
   * A question to the cluster and its answer, each a turn later; rejects with `UNAVAILABLE` while no broker is up. Who asks
   * may be idle: much of periodic work is asking.
   */
  ask<T>(what: Question, question: () => T | Promise<T>): Promise<T>;
  kill(): void;
  freeze(): void;
  thaw(): void;
  /** Nothing passes between the process and the cluster while `off` holds. */
  cut(off: boolean): void;
  loseHeartbeats(lost: boolean): void;
  /** Calls back at each change of how the process can reach the cluster, while what was is still true or after it. */
  watch(listener: () => void): () => void;
}

/** A running process. With `idleMs` its periodic work is done only that often while nothing comes in or goes out. */
export function createFakeProcess(cluster: FakeCluster, clientId: string, idleMs = 0): FakeProcess {
  return new Process(cluster, clientId, idleMs);
}

class Process implements FakeProcess {
  readonly clientId: string;
  readonly clock: Clock;
  alive = true;
  cutOff = false;
  mute = false;
  #frozen = false;
  #deferred: (() => void)[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #cluster: FakeCluster;
  readonly #pulse: ReturnType<typeof createFakePulse>;

  constructor(cluster: FakeCluster, clientId: string, idleMs: number) {
    this.#cluster = cluster;
    this.clientId = clientId;
    const { clock } = cluster;
    const after: Clock['after'] = (delayMs, callback) => {
      let cancelled = false;
      const cancel = clock.after(delayMs, () => {
        if (this.#frozen) this.run(() => cancelled || callback());
        else if (this.alive) callback();
      });
      return () => {
        cancelled = true;
        cancel();
      };
    };
    this.#pulse = createFakePulse(clock, after, idleMs);
    this.clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after,
      every: (intervalMs, callback) => this.#pulse.every(intervalMs, callback),
    };
  }

  get reaches(): boolean {
    return this.alive && !this.#frozen && !this.cutOff;
  }

  run(action: () => void): void {
    if (!this.alive) return;
    if (this.#frozen) this.#deferred.push(action);
    else action();
  }

  io(action: () => void): void {
    this.run(() => {
      this.#pulse.wake();
      action();
    });
  }

  ask<T>(what: Question, question: () => T | Promise<T>): Promise<T> {
    const fault = this.#cluster.askFault(this.clientId, what);
    const delayMs = fault?.kind === 'delay-answer' ? fault.ms : this.#cluster.latency('ask', this.clientId);
    return new Promise<T>((resolve, reject) => {
      const later = (action: () => void): void => {
        if (delayMs > 0) this.#cluster.clock.after(delayMs, () => this.run(action));
        else this.run(action);
      };
      const answer = async () => {
        try {
          if (this.cutOff || fault?.kind === 'lose-request' || !this.#cluster.anyUp()) throw unavailable();
          const value = await question();
          if (this.cutOff || fault?.kind === 'lose-answer') throw unavailable();
          later(() => resolve(value));
        } catch (error) {
          later(() => reject(error as Error));
        }
      };
      this.run(() => queueMicrotask(() => this.alive && void answer()));
    });
  }

  kill(): void {
    this.alive = false;
    this.#deferred = [];
    this.#pulse.stop();
    this.#changed();
  }

  freeze(): void {
    if (this.#frozen) return;
    this.#changed();
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    for (const action of this.#deferred.splice(0)) this.run(action);
    this.#changed();
  }

  cut(off: boolean): void {
    this.#changed();
    this.cutOff = off;
    this.#changed();
  }

  loseHeartbeats(lost: boolean): void {
    this.#changed();
    this.mute = lost;
  }

  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => void this.#watchers.delete(listener);
  }

  #changed(): void {
    for (const listener of [...this.#watchers]) listener();
  }
}

function unavailable(): KafkaError {
  return new KafkaError('UNAVAILABLE', 'no broker answers');
}
