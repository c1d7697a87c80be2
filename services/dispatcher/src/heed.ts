import {
  createBreaker,
  createHalfOpenBreaker,
  keyMissingCode,
  signOf,
  waitsForNames,
  type Answering,
  type BreakerMove,
  type RandomFraction,
} from '@postrider/core';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { pauseAskedMs, type Classified } from './dispatch-delivery.ts';
import type { Lane } from './lane.ts';

/**
 * What an answer says of how much its endpoint takes, its lane heeds: a success may let more start, 429, 502, 503, 504 or
 * no answer in time lets less, and whoever asks for a pause gets one, and few requests after it. If no name
 * was answered here, the lane waits for that. Before the request is counted as ended (`now`: ms, monotonic). Gives the move
 * of the endpoint's breaker; null: none.
 */
export function heed(lane: Lane, classified: Classified, now: number, random: RandomFraction): BreakerMove | null {
  const { outcome, code } = classified.verdict;
  const { prepared, endedAt } = classified.sent;
  const startedAt = now - (endedAt - prepared.startedAt);
  if (outcome === Outcome.DELIVERED) lane.concurrency.succeeded(lane.inFlight, startedAt, now);
  if (outcome === Outcome.THROTTLED || outcome === Outcome.TIMED_OUT) lane.concurrency.lowered(startedAt, now);
  if (outcome === Outcome.INTERNAL_ERROR && waitsForNames(code)) lane.waitsForNames = true;
  if (outcome === Outcome.INTERNAL_ERROR && code === keyMissingCode) lane.waitsForKey = true;
  hear(lane.answering, classified);
  if (lane.hostAnswering !== lane.answering) hear(lane.hostAnswering, classified);
  const pauseMs = pauseAskedMs(classified);
  if (pauseMs > 0) {
    lane.heldUntil = Math.max(lane.heldUntil, now + pauseMs);
    lane.concurrency.restart(now);
  }
  return tellBreaker(lane, classified, { startedAt, now, random });
}

function tellBreaker(
  lane: Lane,
  { verdict, sent: { result, prepared } }: Classified,
  { startedAt, now, random }: { readonly startedAt: number; readonly now: number; readonly random: RandomFraction },
): BreakerMove | null {
  const sign = signOf(verdict.outcome, result.kind === 'response' ? result.status : 0);
  if (sign === 'works') lane.workedAt = now;
  if (lane.breaker !== null && lane.breaker.closed && lane.breaker.restedAt <= now) lane.breaker = null;
  if (lane.breaker === null && sign === 'fails') lane.breaker = createBreaker(random);
  const { endpoint } = prepared.flight;
  if (lane.breaker === null && sign === 'works' && endpoint.endpoint.failingSince !== undefined) {
    // Whoever opened it was another owner, or has forgotten: that it works is told by closing it once more, and once only.
    if (lane.toldToWork !== endpoint) lane.breaker = createHalfOpenBreaker(random, now);
    lane.toldToWork = endpoint;
  }
  const move = lane.breaker?.told(sign, startedAt, now) ?? null;
  if (move === 'opened') lane.concurrency.restart(now);
  return move;
}

/** Whether the endpoint answers at all. */
function hear(answering: Answering, { verdict, sent: { result } }: Classified): void {
  if (result.kind === 'response') answering.answered();
  else if (verdict.outcome === Outcome.INTERNAL_ERROR || result.owner !== 'endpoint') answering.notAsked();
  else answering.unanswered(result.timings.totalMs);
}
