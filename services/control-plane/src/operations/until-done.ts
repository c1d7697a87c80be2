import { atMost } from '../at-most.ts';
import { serverLimits } from '../server-limits.ts';
import type { ConfigView } from '@postrider/config-view';
import type { Clock } from '@postrider/core';

/** Resolves when the operation of this id is done or gone, or after `timeoutMs`. */
export type UntilDone = (
  view: Pick<ConfigView, 'snapshot' | 'onChange'>,
  id: string,
  timeoutMs: number,
) => Promise<void>;

export function createUntilDone(clock: Clock): UntilDone {
  return async (view, id, timeoutMs) => {
    const isOver = (): boolean => view.snapshot().operation(id)?.operation?.done !== false;
    if (isOver() || timeoutMs <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = view.onChange((changes) => {
      if (changes.some((one) => one.kind === 'operation' && one.id === id) && isOver()) resolve();
    });
    const cancel = clock.after(timeoutMs, resolve);
    await promise;
    stop();
    cancel();
  };
}

/** The same for so many callers at once. */
export function createOperationWaits(clock: Clock): UntilDone {
  const refusal = 'too many calls are waiting for operations; try again later';
  return atMost(serverLimits.operationWaitsMax, createUntilDone(clock), refusal);
}
