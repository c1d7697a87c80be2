import { serverLimits } from './server-limits.ts';
import type { Clock } from '@postrider/core';
import type { Logger } from '@postrider/runtime';
import type { ConfigWriter } from './config-writer.ts';

export interface RestatingOptions {
  readonly writer: Pick<ConfigWriter, 'restate'>;
  /** Keys that a writer who had lost its place has written behind ours; those that are done are taken out. */
  readonly stale: Set<string>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Writes the truth of stale keys again, until that is done. */
export interface Restating extends Disposable {
  /** To be called when there may be new ones. */
  wake(): void;
}

/** Begins with what is stale already. What cannot be written is tried again after a while. */
export function startRestating({ writer, stale, clock, log }: RestatingOptions): Restating {
  let cancel: (() => void) | null = null;
  let closed = false;

  const wake = (): void => {
    cancel?.();
    cancel = null;
    if (closed || stale.size === 0) return;
    const keys = [...stale];
    stale.clear();
    writer.restate(keys).catch((error: unknown) => {
      if (closed) return;
      for (const key of keys) stale.add(key);
      log.warn({ error, keys: keys.length }, 'configuration records could not be written again; trying again soon');
      cancel?.();
      cancel = clock.after(serverLimits.restateAgainMs, wake);
    });
  };

  wake();
  return {
    wake,
    [Symbol.dispose]() {
      closed = true;
      cancel?.();
    },
  };
}
