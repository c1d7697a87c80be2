import type { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import type { Arrivals } from './rig/arrivals.ts';

/** Lanes of a kind, each with as many deliveries that wait, and the rate that its endpoint asks for. */
export interface Backlog {
  readonly lanes: number;
  readonly waiting: number;
  readonly perSecond: number;
  readonly reason: WaitReason;
}

interface Given {
  /** How long was looked (s): what is not delivered then is judged by what was. */
  readonly seconds: number;
  /** Deliveries a second that the machine has left for all of them. */
  readonly free: number;
  /** Number of the first lane's endpoint. */
  readonly firstLane: number;
  /** Of each lane's time, as much is not its own. */
  readonly excusedS: number;
}

/**
 * By kind of lane, of each lane: the time from its first arrival to its last over its own time for as many deliveries, which
 * is what its rate, and its part of what the machine can do, allow. Infinity: nothing of a lane has arrived.
 */
export function lanePaces(
  { arrivedAt, stream, endpoint }: Arrivals,
  rows: number,
  backlogs: readonly Backlog[],
  { seconds, free, firstLane, excusedS }: Given,
): { readonly ratios: readonly (readonly number[])[]; readonly delivered: number } {
  const lanes = new Map<number, { first: number; last: number; count: number }>();
  let delivered = 0;
  for (let i = 0; i < arrivedAt.length; i += 1) {
    if (stream[i] !== rows) continue;
    delivered += 1;
    const at = arrivedAt[i] as number;
    const lane = lanes.get(endpoint[i] as number);
    if (lane === undefined) lanes.set(endpoint[i] as number, { first: at, last: at, count: 1 });
    else {
      lane.last = at;
      lane.count += 1;
    }
  }
  const wanted = backlogs.reduce((sum, backlog) => sum + backlog.lanes * backlog.perSecond, 0);
  const fraction = Math.min(1, free / wanted);
  let number = firstLane;
  const ratios = backlogs.map((backlog) =>
    Array.from({ length: backlog.lanes }, () => {
      const lane = lanes.get(number++);
      if (lane === undefined) return Infinity;
      const isOver = lane.count >= backlog.waiting;
      const took = (isOver ? lane.last - lane.first : Math.max(lane.last - lane.first, seconds * 1_000)) / 1_000;
      const own = Math.max(lane.count - 1, 1) / (backlog.perSecond * fraction);
      return Math.max(0, took - excusedS) / own;
    }),
  );
  return { ratios, delivered };
}
