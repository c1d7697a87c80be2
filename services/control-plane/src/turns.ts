import { PostriderError } from '@postrider/core';
import { serverLimits } from './server-limits.ts';
import type { Clock } from '@postrider/core';

/** What became of each job, in their order. */
export type Outcomes = readonly PromiseSettledResult<unknown>[];

/** Several at a time, in the order of asking. */
export interface Turns<Job> {
  /**
   * Has the job done when all that were done before have ended. After `timeoutMs` the caller is told `unavailable`, or
   * `outcome_unknown` when the job has begun: then it goes on all the same, and the next ones wait for its end.
   * @throws PostriderError as said; and what the job ends with
   */
  take(job: Job, timeoutMs: number): Promise<unknown>;
  /** No further job begins. Resolves when those that have begun have ended. */
  close(): Promise<void>;
}

interface Waiting<Job> {
  readonly job: Job;
  readonly answer: PromiseWithResolvers<unknown>;
  begun: boolean;
  givenUp: boolean;
  readonly cancel: () => void;
}

/** Jobs that come while others are done wait, and are then done together by one call of `runAll`. */
export function createTurns<Job>(clock: Clock, runAll: (jobs: readonly Job[]) => Promise<Outcomes>): Turns<Job> {
  let waiting: Waiting<Job>[] = [];
  let working: Promise<void> | null = null;
  let closed = false;

  async function work(): Promise<void> {
    // What is asked for in the same turn goes along.
    await Promise.resolve();
    while (waiting.length > 0 && !closed) {
      const together = waiting.splice(0, serverLimits.mutationsTogetherMax).filter(({ givenUp }) => !givenUp);
      if (together.length > 0) await runTogether(together, runAll);
    }
    working = null;
  }

  return {
    take(job, timeoutMs) {
      if (closed) return Promise.reject(stopping());
      if (waiting.length >= serverLimits.mutationsQueuedMax) {
        return Promise.reject(unavailable('too many changes are waiting; try again later'));
      }
      const answer = Promise.withResolvers<unknown>();
      const giveUp = (): void => {
        one.givenUp = true;
        answer.reject(timedOut(one.begun, timeoutMs));
      };
      const cancel = Number.isFinite(timeoutMs) ? clock.after(timeoutMs, giveUp) : () => {};
      const one: Waiting<Job> = { job, answer, begun: false, givenUp: false, cancel };
      waiting.push(one);
      working ??= work();
      return answer.promise;
    },
    async close() {
      closed = true;
      for (const { answer, cancel } of waiting) {
        cancel();
        answer.reject(stopping());
      }
      waiting = [];
      await working;
    },
  };
}

async function runTogether<Job>(
  together: readonly Waiting<Job>[],
  runAll: (jobs: readonly Job[]) => Promise<Outcomes>,
): Promise<void> {
  for (const one of together) one.begun = true;
  const outcomes = await runAll(together.map(({ job }) => job)).catch((reason: unknown) =>
    together.map((): PromiseRejectedResult => ({ status: 'rejected', reason })),
  );
  together.forEach(({ answer, cancel }, index) => {
    cancel();
    const outcome = outcomes[index];
    if (outcome?.status === 'fulfilled') answer.resolve(outcome.value);
    else answer.reject(outcome?.reason);
  });
}

function timedOut(begun: boolean, timeoutMs: number): PostriderError {
  const seconds = timeoutMs / 1_000;
  if (!begun) {
    return unavailable(
      `the changes before this one were not confirmed within ${seconds} s; nothing was written: try again`,
    );
  }
  const text = `Kafka has not confirmed the change within ${seconds} s; whether it took effect is unknown: try again`;
  return new PostriderError('outcome_unknown', text);
}

function stopping(): PostriderError {
  return new PostriderError('not_leader', 'this replica is giving up the lead; nothing was written: try again');
}

function unavailable(message: string): PostriderError {
  return new PostriderError('unavailable', message);
}
