import { PostriderError } from '@postrider/core';
import { serverLimits } from '../server-limits.ts';

/** Makes pages one at a time: a page may take tens of milliseconds, in which nobody else is answered. */
export interface ListTurns {
  /**
   * Makes one page when it is this caller's turn; callers take turns, however many pages each of them waits for. A page that
   * nobody wants any more is not made.
   * @throws PostriderError `limit_reached` when too many wait, and what `make` throws
   */
  take<T>(caller: string, isWanted: () => boolean, make: () => T | Promise<T>): Promise<T>;
}

/** Nobody waits yet. Between two pages `breathe` lets everything else go on. */
export function createListTurns(breathe: (goOn: () => void) => void = setImmediate): ListTurns {
  /** Pages that wait, by caller; whoever stands first is next. */
  const waiting = new Map<string, (() => void)[]>();
  let count = 0;
  let isBusy = false;

  function next(): void {
    for (const [caller, pages] of waiting) {
      const page = pages.shift();
      waiting.delete(caller);
      if (pages.length > 0) waiting.set(caller, pages);
      if (page === undefined) continue;
      count -= 1;
      page();
      return breathe(next);
    }
    isBusy = false;
  }

  return {
    async take(caller, isWanted, make) {
      if (!isBusy) {
        isBusy = true;
        breathe(next);
        return make();
      }
      if (count >= serverLimits.listsWaitingMax) {
        const retryAfterMs = serverLimits.retryAfterMs;
        throw new PostriderError('limit_reached', 'too many lists are waited for; come back later', { retryAfterMs });
      }
      const turn = Promise.withResolvers<void>();
      const pages = waiting.get(caller) ?? [];
      pages.push(turn.resolve);
      waiting.set(caller, pages);
      count += 1;
      await turn.promise;
      if (!isWanted()) throw new PostriderError('unavailable', 'the caller has gone');
      return make();
    },
  };
}
