import { KafkaError } from '../src/port.ts';
import type { Clock } from '@postrider/core';
import type { FakeCluster } from './fake-cluster.ts';

/**
 * One client process as seen from outside: it runs, stands still (SIGSTOP), or is dead (SIGKILL). Whatever it does to the
 * cluster, hears from it or plans on its clock goes through here.
 */
export interface FakeProcess {
  /** The cluster's clock, whose timers wait while the process stands still and never run once it is dead. */
  readonly clock: Clock;
  readonly alive: boolean;
  /** Runs now, when thawed, or never. */
  run(action: () => void): void;
  /** A question to the cluster and its answer, each a turn later; rejects with `UNAVAILABLE` while no broker is up. */
  ask<T>(question: () => T | Promise<T>): Promise<T>;
  kill(): void;
  freeze(): void;
  thaw(): void;
}

/** A running process. */
export function createFakeProcess(cluster: FakeCluster): FakeProcess {
  let alive = true;
  let frozen = false;
  let deferred: (() => void)[] = [];
  const run = (action: () => void): void => {
    if (!alive) return;
    if (frozen) deferred.push(action);
    else action();
  };
  return {
    clock: {
      now: () => cluster.clock.now(),
      monotonic: () => cluster.clock.monotonic(),
      after(delayMs, callback) {
        let cancelled = false;
        const cancel = cluster.clock.after(delayMs, () => run(() => cancelled || callback()));
        return () => {
          cancelled = true;
          cancel();
        };
      },
    },
    get alive() {
      return alive;
    },
    run,
    ask<T>(question: () => T | Promise<T>): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        const answer = async () => {
          try {
            if (!cluster.anyUp()) throw new KafkaError('UNAVAILABLE', 'no broker answers');
            const value = await question();
            run(() => resolve(value));
          } catch (error) {
            run(() => reject(error as Error));
          }
        };
        run(() => queueMicrotask(() => alive && void answer()));
      });
    },
    kill() {
      alive = false;
      deferred = [];
    },
    freeze() {
      frozen = true;
    },
    thaw() {
      frozen = false;
      for (const action of deferred.splice(0)) run(action);
    },
  };
}
