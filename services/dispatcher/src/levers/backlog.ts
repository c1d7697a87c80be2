import { EndpointBacklog } from '@postrider/contract/postrider/v1/delivery_service';
import { limits, readDelivery, whyWaiting, type NotStarted } from '@postrider/core';
import { poolOf } from '@postrider/egress';
import { NO_ROW, mark, type RowIndex } from '../row-index.ts';
import { laneStand, laneState } from './lane-stand.ts';
import { backlogWords, stoppingWords } from './words.ts';
import type { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import type { Lane } from '../lane.ts';
import type { Work } from '../work.ts';
import type { Owned } from './owned.ts';

/** What is added up over deliveries that have not started. Times: ms since the Unix epoch. */
interface Sum {
  counted: number;
  bytes: number;
  nextDueAt: number;
  nextExpiresAt: number;
  /** The one that expires first, which nearly always is the oldest. */
  first: { readonly row: number; readonly work: Work | null } | null;
  readonly reasons: Map<WaitReason, number>;
  /** Keys of those that were given up and stop their order. */
  readonly stopping: string[];
}

/**
 * What of an endpoint is not delivered yet. How many is exact; the rest is told of the oldest `limits.backlogCountedMax`, since
 * a lane may hold millions and nothing else runs meanwhile.
 */
export function backlogOf(owned: Owned, endpointUid: string): EndpointBacklog {
  const { parts, clock, pod, partition, loading } = owned;
  const lane = parts.lanes.find(endpointUid);
  const known = EndpointBacklog.fromPartial({ partition, dispatcher: `dispatchers/${pod.processId}`, loading });
  const pauses = pausesOf(owned, endpointUid);
  if (lane === undefined) return { ...known, pauses, summary: backlogWords({ ...known, pauses }) };
  const sum: Sum = {
    counted: 0,
    bytes: 0,
    nextDueAt: Infinity,
    nextExpiresAt: Infinity,
    first: null,
    reasons: new Map(),
    stopping: [],
  };
  const now = clock.now();
  const stand = laneStand(lane, clock);
  const add = (one: NotStarted & { bytes: number; expiresAt: number }, row: number, work: Work | null): void => {
    const reason = whyWaiting(one, stand, now);
    sum.counted += 1;
    sum.bytes += one.bytes;
    sum.nextDueAt = Math.min(sum.nextDueAt, one.dueAt);
    if (one.expiresAt < sum.nextExpiresAt) {
      sum.nextExpiresAt = one.expiresAt;
      sum.first = { row, work };
    }
    sum.reasons.set(reason, (sum.reasons.get(reason) ?? 0) + 1);
  };
  const queued = addWorks(parts.table.works.values(), lane, (work) =>
    add({ ...factsOf(work), keptByOrder: work.queuedIn === 'held' }, NO_ROW, work),
  );
  const { rows } = parts.table;
  for (const row of firstRows(rows, lane)) {
    add({ ...rows.factsOf(row), keptByOrder: keptInOrder(rows, row) }, row, null);
    if (rows.is(row, mark.givenUp)) sum.stopping.push(rows.keyOf(row));
  }
  const backlog: EndpointBacklog = {
    ...known,
    waiting: BigInt(lane.rows.waiting),
    queued: BigInt(queued),
    inFlight: lane.inFlight,
    counted: BigInt(sum.counted),
    bytes: BigInt(sum.bytes),
    reasons: [...sum.reasons].map(([reason, count]) => ({ reason, count: BigInt(count) })),
    oldestTime: firstSeenOf(owned, sum.first),
    nextDueTime: timeOf(sum.counted === 0 ? Infinity : Math.max(sum.nextDueAt, now)),
    nextExpireTime: timeOf(sum.nextExpiresAt),
    lane: laneState(lane, clock),
    pauses,
  };
  return { ...backlog, summary: backlogWords(backlog) + stoppingWords(sum.stopping) };
}

/** The pauses that are in force for an endpoint, the widest first. */
export function pausesOf({ pod }: Owned, endpointUid: string): EndpointBacklog['pauses'] {
  const config = pod.view.snapshot().endpoint(endpointUid)?.endpoint;
  const tenant = config?.name.split('/')[1] ?? '';
  const pool = poolOf(config?.egressPool ?? '');
  return [...pod.pauses.of({ tenant, endpointId: endpointUid, pool })];
}

/** Whether order keeps a row that waits from starting. */
export function keptInOrder(rows: RowIndex, row: number): boolean {
  return rows.is(row, mark.behind | mark.givenUp);
}

function factsOf({ dueAt, bytes, expiresAt }: Work): { dueAt: number; bytes: number; expiresAt: number } {
  return { dueAt, bytes, expiresAt };
}

/** Goes through the works of a lane that have not started; how many there are. */
function addWorks(works: Iterable<Work>, lane: Lane, add: (work: Work) => void): number {
  let queued = 0;
  for (const work of works) {
    if (work.lane !== lane || work.queuedIn === null) continue;
    queued += 1;
    if (queued <= limits.backlogCountedMax) add(work);
  }
  return queued;
}

function* firstRows(rows: RowIndex, lane: Lane): Iterable<number> {
  let row = lane.rows.first;
  for (let left = limits.backlogCountedMax; row !== NO_ROW && left > 0; left -= 1) {
    yield row;
    row = rows.next.get(row);
  }
}

function firstSeenOf({ parts }: Owned, first: Sum['first']): Date | undefined {
  if (first === null) return undefined;
  const { row, work } = first;
  const seen = work?.view?.firstSeen ?? viewOf(work?.delivery?.header ?? parts.store.get(row)?.header)?.firstSeen;
  return seen === undefined || seen === null ? undefined : new Date(seen);
}

function viewOf(header: Buffer | undefined): ReturnType<typeof readDelivery> | null {
  try {
    return header === undefined ? null : readDelivery(header);
  } catch {
    return null;
  }
}

function timeOf(ms: number): Date | undefined {
  return ms === Infinity ? undefined : new Date(ms);
}
