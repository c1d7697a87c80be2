import { createPodJudgement, cutOffCode, type Clock, type ReachMove } from '@postrider/core';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import type { Classified } from './dispatch-delivery.ts';
import type { Trouble } from './trouble.ts';

/** Whether requests of this process reach endpoints, as all its attempts together tell. */
export interface Reach extends Trouble {
  /** Counts how an attempt went. While nobody is reached, one without an answer is no failure of its endpoint. */
  judge(classified: Classified): Classified;
  /** Whether a request may start now: while nobody is reached, one a second. */
  mayStart(): boolean;
  started(): void;
  /** Called every second. */
  tick(): void;
}

/** Everybody is reached, as far as is known. */
export function createReach(clock: Clock): Reach {
  const judgement = createPodJudgement();
  const listeners = new Set<() => void>();

  function follow(move: ReachMove | null): void {
    if (move !== null) for (const listener of listeners) listener();
  }

  return {
    isFailing: () => !judgement.reaches,
    onChange(callback) {
      listeners.add(callback);
      return () => void listeners.delete(callback);
    },
    judge(classified) {
      const { sent, verdict } = classified;
      const { target, tenant } = sent.prepared.flight.endpoint;
      if (target.kind === 'deny') return classified;
      const now = clock.monotonic();
      if (sent.result.kind === 'response') {
        follow(judgement.answered(tenant, target.origin, now));
        return classified;
      }
      if (verdict.outcome !== Outcome.UNREACHABLE && verdict.outcome !== Outcome.TIMED_OUT) return classified;
      follow(judgement.failed(tenant, target.origin, now));
      return judgement.reaches ? classified : cutOff(classified);
    },
    mayStart: () => judgement.reaches || judgement.mayStart(clock.monotonic()),
    started: () => judgement.started(clock.monotonic()),
    tick: () => follow(judgement.tick(clock.monotonic())),
  };
}

function cutOff(classified: Classified): Classified {
  const detail = `Nearly no endpoint answered this process then, so it is not this one's failure. ${classified.verdict.detail}`;
  return {
    ...classified,
    verdict: { ...classified.verdict, outcome: Outcome.INTERNAL_ERROR, code: cutOffCode, detail },
  };
}
