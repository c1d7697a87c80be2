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
  return {
    gate: lane.gate.kind,
    heldUntil: wallTime(openAt(lane), clock),
    breakerOpen: lane.breaker?.closed === false,
  };
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
    breaker: breakerWord(lane, clock.monotonic()),
  };
}

/** Empty: it has none, for the endpoint has not failed lately. */
function breakerWord({ breaker }: Lane, now: number): string {
  if (breaker === null) return '';
  if (breaker.closed) return 'closed';
  return breaker.openAt <= now ? 'half-open' : 'open';
}

/** A monotonic time as ms since the Unix epoch. */
function wallTime(monotonic: number, clock: Clock): number {
  return clock.now() + (monotonic - clock.monotonic());
}
