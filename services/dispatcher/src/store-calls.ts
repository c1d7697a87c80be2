import { createCallBreaker, limits, type CallBreaker, type Clock } from '@postrider/core';

/** What became of a call. `skipped`: the store is left alone. */
export type CallResult = 'ok' | 'failed' | 'skipped';

/** Calls to a store that may be slow or gone at any time: none is waited for longer than `limits.doneTimeoutMs`. */
export interface StoreCalls {
  /** `end` is called exactly once: with what the store says, or with null when it failed, was too slow or was not asked. */
  run<T>(call: () => Promise<T>, end: (result: T | null, how: CallResult) => void): void;
}

export interface StoreCallsOptions {
  readonly clock: Clock;
  /** The store has failed too often in a row: it is left alone for a while. */
  readonly leftAlone: (error: Error) => void;
  readonly back: () => void;
}

/** Nothing has been called yet. */
export function createStoreCalls({ clock, leftAlone, back }: StoreCallsOptions): StoreCalls {
  const breaker: CallBreaker = createCallBreaker({
    failuresMax: limits.doneFailuresMax,
    openMinMs: limits.doneLeftAloneMinMs,
    openMaxMs: limits.doneLeftAloneMaxMs,
  });
  const judge = (error: Error | null): void => {
    const wasOpen = breaker.open;
    if (error === null) breaker.succeeded();
    else breaker.failed(clock.monotonic());
    if (breaker.open && !wasOpen && error !== null) leftAlone(error);
    if (wasOpen && !breaker.open) back();
  };
  return {
    run(call, end) {
      if (!breaker.allows(clock.monotonic())) return end(null, 'skipped');
      let over = false;
      const finish = <T>(result: T | null, error: Error | null): void => {
        if (over) return;
        over = true;
        cancel();
        judge(error);
        end(result as never, error === null ? 'ok' : 'failed');
      };
      const cancel = clock.after(limits.doneTimeoutMs, () => finish(null, new Error('no answer in time')));
      call().then(
        (result) => finish(result, null),
        (error: unknown) => finish(null, error as Error),
      );
    },
  };
}
