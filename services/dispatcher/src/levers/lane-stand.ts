import { LaneGate, type LaneState } from '@postrider/contract/postrider/v1/delivery_service';
import { durationOf, type Clock, type LaneStand } from '@postrider/core';
import { openAt, type Lane } from '../lane.ts';

const gates: Readonly<Record<Lane['gate']['kind'], LaneGate>> = {
  open: LaneGate.OPEN,
  config: LaneGate.CONFIG,
  'way-out': LaneGate.WAY_OUT,
  paused: LaneGate.PAUSED,
  disabled: LaneGate.DISABLED,
  cancel: LaneGate.CANCEL,
};

/** What of a lane says why its deliveries wait. */
export function laneStand(lane: Lane, clock: Clock): LaneStand {
  const heldUntil = Math.max(lane.heldUntil, lane.rate?.openAt ?? -Infinity);
  return { gate: lane.gate.kind, heldUntil: wallTime(heldUntil, clock), breakerOpen: isLeftAlone(lane, clock) };
}

/** A lane as a person sees it. */
export function laneState(lane: Lane, clock: Clock): LaneState {
  const heldUntil = wallTime(openAt(lane), clock);
  return {
    gate: gates[lane.gate.kind],
    concurrencyLimit: lane.concurrency.value,
    rateCount: lane.rate?.count ?? 0,
    ratePeriod: lane.rate === null ? undefined : durationOf(lane.rate.periodMs),
    holdUntilTime: heldUntil > clock.now() ? new Date(Math.ceil(heldUntil)) : undefined,
    awaitsDestination: lane.awaitsTurn,
    heldInOrder: lane.held.size,
    stops: lane.stops,
    breaker: breakerWord(lane, clock),
  };
}

/** A closed breaker may let no retry start, too: the endpoint has had as many as it may. */
function isLeftAlone({ breaker }: Lane, clock: Clock): boolean {
  return breaker !== null && (!breaker.closed || breaker.retriesFrom > clock.monotonic());
}

/** State of the lane's breaker; one that has never failed has none. */
export function breakerWord({ breaker }: Lane, clock: Clock): 'closed' | 'open' | 'half-open' {
  if (breaker === null || breaker.closed) return 'closed';
  return breaker.openAt > clock.monotonic() ? 'open' : 'half-open';
}

/** A monotonic time as ms since the Unix epoch. */
function wallTime(monotonic: number, clock: Clock): number {
  return clock.now() + (monotonic - clock.monotonic());
}
