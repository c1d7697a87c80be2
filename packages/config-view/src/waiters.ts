import type { Clock } from '@postrider/core';

/** Promises for conditions that become true as records are folded. */
export interface Waiters {
  /** True as soon as `condition` holds; false after `timeoutMs`, or on `close`. */
  wait(condition: () => boolean, timeoutMs: number): Promise<boolean>;
  /** Looks at every condition. */
  check(): void;
  /** Ends all waiting, now and from now on. */
  close(): void;
}

interface Waiter {
  readonly condition: () => boolean;
  readonly settle: (held: boolean) => void;
}

/** No one waits yet. */
export function createWaiters(clock: Clock): Waiters {
  const waiting = new Set<Waiter>();
  let closed = false;
  return {
    wait(condition, timeoutMs) {
      if (condition()) return Promise.resolve(true);
      if (closed) return Promise.resolve(false);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const waiter: Waiter = {
        condition,
        settle(held) {
          cancel();
          waiting.delete(waiter);
          resolve(held);
        },
      };
      const cancel = clock.after(timeoutMs, () => waiter.settle(false));
      waiting.add(waiter);
      return promise;
    },
    check() {
      for (const waiter of waiting) if (waiter.condition()) waiter.settle(true);
    },
    close() {
      closed = true;
      for (const waiter of waiting) waiter.settle(waiter.condition());
    },
  };
}
