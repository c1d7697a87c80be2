import { serverLimits } from './server-limits.ts';
import type { Clock } from '@postrider/core';
import type { Logger } from '@postrider/runtime';
import type { Change, ConfigWriter } from './config-writer.ts';

/** Changes of the configuration that nobody waits for, made one after the other until they are written. */
export interface PendingChanges extends Disposable {
  /** Makes this change soon; one that waits under the same key is replaced. It must be worth nothing a second time. */
  want(key: string, apply: (change: Change) => void): void;
  /** Nothing waits to be written. */
  readonly isIdle: boolean;
}

export interface PendingChangesOptions {
  readonly writer: Pick<ConfigWriter, 'change'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Who makes them. */
  readonly actor: string;
}

/** None yet. */
export function createPendingChanges({ writer, clock, log, actor }: PendingChangesOptions): PendingChanges {
  const waiting = new Map<string, (change: Change) => void>();
  let settling = false;
  let closed = false;
  let cancel = (): void => {};

  /** Behind all others: whoever goes through them now comes to it, too, and one that cannot be written is in nobody's way. */
  function putLast(key: string, apply: (change: Change) => void): void {
    waiting.delete(key);
    waiting.set(key, apply);
  }

  async function settle(): Promise<void> {
    if (settling || closed) return;
    settling = true;
    for (const [key, apply] of waiting) {
      try {
        await writer.change(actor, apply);
        if (waiting.get(key) === apply) waiting.delete(key);
      } catch (error) {
        if (closed) break;
        // What has taken its place meanwhile is newer.
        putLast(key, waiting.get(key) ?? apply);
        log.warn({ error }, 'a change that nobody waits for could not be written; trying again soon');
        cancel = clock.after(serverLimits.restateAgainMs, () => void settle());
        break;
      }
    }
    settling = false;
  }

  return {
    get isIdle() {
      return waiting.size === 0;
    },
    want(key, apply) {
      putLast(key, apply);
      void settle();
    },
    [Symbol.dispose]() {
      closed = true;
      cancel();
    },
  };
}
