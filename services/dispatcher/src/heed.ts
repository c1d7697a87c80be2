import { limits, waitsForNames } from '@postrider/core';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { pauseAskedMs, type Classified, type SendResult } from './dispatch-delivery.ts';
import type { Lane } from './lane.ts';

/**
 * What an answer says of how much its endpoint takes, its lane heeds: a success may let more start, 429, 502, 503, 504 or
 * no answer in time lets less, and whoever asks for a pause gets one, and few requests after it. If no name
 * was answered here, the lane waits for that. Before the request is counted as ended (`now`: ms, monotonic).
 */
export function heed(lane: Lane, classified: Classified, now: number): void {
  const { outcome, code } = classified.verdict;
  const { prepared, endedAt } = classified.sent;
  const startedAt = now - (endedAt - prepared.startedAt);
  if (outcome === Outcome.DELIVERED) lane.concurrency.succeeded(lane.inFlight, startedAt, now);
  if (outcome === Outcome.THROTTLED || outcome === Outcome.TIMED_OUT) lane.concurrency.lowered(startedAt, now);
  if (outcome === Outcome.INTERNAL_ERROR && waitsForNames(code)) lane.waitsForNames = true;
  hear(lane, classified.sent.result, now);
  const pauseMs = pauseAskedMs(classified);
  if (pauseMs <= 0) return;
  lane.heldUntil = Math.max(lane.heldUntil, now + pauseMs);
  lane.concurrency.restart(now);
}

/** Whether the endpoint answers at all. A connection that is refused at once keeps nothing waiting. */
function hear(lane: Lane, result: SendResult, now: number): void {
  if (result.kind === 'response') lane.unansweredUntil = -Infinity;
  else if (result.owner === 'endpoint' && result.timings.totalMs >= limits.unansweredAfterMs)
    lane.unansweredUntil = now + limits.unansweredKeptMs;
}
