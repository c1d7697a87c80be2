import { limits } from '@postrider/core';
import type { Customers, EndpointTruth } from '../customers.ts';
import type { Case } from './case.ts';
import type { Fields } from './wire.ts';

/** Holds what is retried, and what is given up, against what endpoints were set up with. */
export interface PolicyJudge {
  /** This reign plans another attempt after the one with this number. */
  planned(one: Case, attempt: number, epoch: number): void;
  /** The delivery is given up with this dead letter. */
  givenUp(one: Case, letter: Fields): void;
}

export interface PolicyJudgeOptions {
  readonly customers: Pick<Customers, 'byUid'>;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly problem: (kind: string, text: string) => void;
}

/** As in `DeadReason` of the contract. */
const EXHAUSTED = 1;
const EXPIRED = 2;
const GONE = 4;
/** As every endpoint of the simulation is set up. */
const JITTER = 0.1;
/** No endpoint of the simulation asks for a longer pause. */
const ASKED_PAUSE_MS_MAX = 600_000;

/** A judge of endpoints whose policy never changed: of others nobody can tell which one was in force. */
export function createPolicyJudge({ customers, now, problem }: PolicyJudgeOptions): PolicyJudge {
  const untouched = ({ endpointUid }: Case): EndpointTruth | undefined => {
    const endpoint = customers.byUid(endpointUid);
    return endpoint?.untouched === true ? endpoint : undefined;
  };

  /** Why it should not have been given up yet; null: it was its time. */
  function tooSoon(one: Case, { delaysMs, plan }: EndpointTruth, letter: Fields): string | null {
    const reason = letter.number(2);
    const attempt = letter.message(3).number(4);
    const made = Math.max(attempt, one.recorded);
    if ((reason === EXHAUSTED || reason === GONE) && made <= delaysMs.length)
      return `after ${made} of ${delaysMs.length + 1} attempts`;
    if (reason === EXHAUSTED && one.lane !== null && plan.onExhausted === 'stop')
      return 'though its order stops with it';
    if (reason !== EXPIRED) return null;
    if (plan.manner === 'reluctant' && made > 0) return 'as expired, though its endpoint has failed one request only';
    // With an attempt before it, it expires because the next one would come too late.
    const nextMs = Math.max((delaysMs[attempt - 1] ?? 0) * (1 + JITTER), ASKED_PAUSE_MS_MAX);
    // One that failed by our own doing has no number, and is made again after our own pause.
    const ownMs = letter.has(3) ? limits.internalBackoffCapMs * (1 + JITTER) : 0;
    const leftMs = one.expiresAt - now() - (attempt === 0 ? ownMs : nextMs);
    return leftMs > 0 ? `as expired, ${leftMs} ms before it could have been` : null;
  }

  return {
    planned(one, attempt, epoch) {
      // The delay runs from the answer, which came after the first request of that number.
      const arrivedAt = one.arrivedAt[attempt];
      const delayMs = untouched(one)?.delaysMs[attempt - 1];
      if (arrivedAt === undefined || delayMs === undefined || one.dueAt === 0) return;
      // Of a pause that was asked of a reign before, in answer to the same number, its heir knows nothing.
      const asked = one.asked[attempt];
      const pauseMs = asked?.epoch === epoch ? asked.ms : 0;
      const soonMs = arrivedAt + Math.max(delayMs, pauseMs) - one.dueAt;
      if (soonMs > 0) problem('planned-early', `${one.key} after attempt ${attempt}: ${soonMs} ms too soon`);
    },
    givenUp(one, letter) {
      const endpoint = untouched(one);
      const why = endpoint === undefined ? null : tooSoon(one, endpoint, letter);
      if (why !== null) problem('given-up-early', `${one.key} is given up ${why}`);
    },
  };
}
