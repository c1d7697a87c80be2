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

/** Emptied when it waits no more: a Set's earlier tables name what has left it (docs/adr/0058). */
interface Waiter {
  condition: () => boolean;
  resolve: (held: boolean) => void;
  cancel: () => void;
}

const nothing = (): void => {};
const never = (): boolean => false;

/** No one waits yet. */
export function createWaiters(clock: Clock): Waiters {
  const waiting = new Set<Waiter>();
  let closed = false;

  function settle(waiter: Waiter, held: boolean): void {
    const { resolve, cancel } = waiter;
    waiting.delete(waiter);
    Object.assign(waiter, { condition: never, resolve: nothing, cancel: nothing });
    cancel();
    resolve(held);
  }

  return {
    wait(condition, timeoutMs) {
      if (condition()) return Promise.resolve(true);
      if (closed) return Promise.resolve(false);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const waiter: Waiter = { condition, resolve, cancel: nothing };
      waiter.cancel = clock.after(timeoutMs, () => settle(waiter, false));
      waiting.add(waiter);
      return promise;
    },
    check() {
      for (const waiter of waiting) if (waiter.condition()) settle(waiter, true);
    },
    close() {
      closed = true;
      for (const waiter of waiting) settle(waiter, waiter.condition());
    },
  };
}
