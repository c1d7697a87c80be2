import { WaitReason } from '@postrider/contract/postrider/v1/delivery';

/** What is true of a delivery that has not started, as far as it matters for why. Times: ms since the Unix epoch. */
export interface NotStarted {
  /** 0: it is due. */
  readonly dueAt: number;
  /** In its order something stands before it, or it was given up and keeps its place. */
  readonly keptByOrder: boolean;
}

/** What is true of its lane. */
export interface LaneStand {
  readonly gate: 'open' | 'config' | 'way-out' | 'paused' | 'disabled' | 'cancel';
  /** Nothing of it starts before: the endpoint asked for a pause, or its rate is used up. */
  readonly heldUntil: number;
  readonly breakerOpen: boolean;
}

/**
 * Why a delivery does not start now, by what is true now: its row only says why it was put. What a person decided counts
 * first, then what would still keep it when its time has come.
 */
export function whyWaiting({ dueAt, keptByOrder }: NotStarted, lane: LaneStand, now: number): WaitReason {
  if (lane.gate === 'disabled' || lane.gate === 'cancel') return WaitReason.DISABLED;
  if (lane.gate === 'paused') return WaitReason.PAUSED;
  if (lane.gate === 'config') return WaitReason.CONFIG;
  if (keptByOrder) return WaitReason.ORDER;
  if (dueAt > now) return WaitReason.RETRY;
  if (lane.gate === 'way-out') return WaitReason.WAY_OUT;
  if (lane.breakerOpen) return WaitReason.BREAKER_OPEN;
  if (lane.heldUntil > now) return WaitReason.RATE_LIMITED;
  return WaitReason.LANE_FULL;
}
