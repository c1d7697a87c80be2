import { PostriderError } from '@postrider/core';
import { serverLimits } from './server-limits.ts';
import type { Clock } from '@postrider/core';

/** One at a time, in the order of asking. */
export interface Turns {
  /**
   * Runs `action` when all that were asked for before have ended. After `timeoutMs` the caller is told `unavailable`; an
   * action that has begun goes on all the same, and the next one waits for its end; one that has not never begins.
   * @throws PostriderError `unavailable`; and what `action` rejects with
   */
  take<T>(action: () => Promise<T>, timeoutMs: number): Promise<T>;
  /** Nothing begins any more. */
  close(): void;
}

/** No one has a turn yet. */
export function createTurns(clock: Clock): Turns {
  let tail: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let closed = false;

  return {
    take<T>(action: () => Promise<T>, timeoutMs: number): Promise<T> {
      if (waiting >= serverLimits.mutationsQueuedMax) {
        return Promise.reject(unavailable('too many changes are waiting; try again later'));
      }
      waiting += 1;
      const answer = Promise.withResolvers<T>();
      let begun = false;
      let givenUp = false;
      const cancel = Number.isFinite(timeoutMs)
        ? clock.after(timeoutMs, () => {
            givenUp = true;
            answer.reject(unavailable(timedOut(begun, timeoutMs)));
          })
        : () => {};
      const run = async (): Promise<void> => {
        waiting -= 1;
        if (givenUp) return;
        begun = true;
        try {
          if (closed) throw unavailable('the control plane is stopping; try again');
          answer.resolve(await action());
        } catch (error) {
          answer.reject(error as Error);
        } finally {
          cancel();
        }
      };
      tail = tail.then(run);
      return answer.promise;
    },
    close() {
      closed = true;
    },
  };
}

function timedOut(begun: boolean, timeoutMs: number): string {
  const seconds = timeoutMs / 1_000;
  return begun
    ? `Kafka has not confirmed the change within ${seconds} s; whether it took effect is unknown: try again`
    : `the changes before this one were not confirmed within ${seconds} s; nothing was written: try again`;
}

function unavailable(message: string): PostriderError {
  return new PostriderError('unavailable', message);
}
