import { DispatcherStatus } from '@postrider/contract/postrider/v1/dispatcher_service';
import { MoveTo } from '@postrider/contract/postrider/v1/delivery_service';
import { PostriderError, VERSION, invalidArgument, limits } from '@postrider/core';
import { backlogOf } from './backlog.ts';
import { explainWork } from './explain.ts';
import { makeDue, skipWork } from './move-work.ts';
import { breakerWord } from './lane-stand.ts';
import { ownedPartition } from './owned.ts';
import type { WorkName } from '@postrider/contract/postrider/v1/owner_service';
import type { OwnerGroup } from '../group.ts';
import type { PartitionOwner } from '../partition-owner.ts';
import type { Pod } from '../pod.ts';
import type { Answers } from './owner-server.ts';

/** What answers need. */
export interface AnswersOptions {
  readonly pod: Pod;
  readonly group: Pick<OwnerGroup, 'owners'>;
  readonly rowsMax: number;
  /** What keeps this process from sending, in plain words. */
  readonly troubles: () => readonly string[];
}

/** Answers of a dispatcher that works. */
export function createAnswers({ pod, group, rowsMax, troubles }: AnswersOptions): Answers {
  const owned = (partition: number) => ownedPartition(group.owners, partition, pod);
  const named = (work: WorkName | undefined): WorkName => {
    if (work === undefined) throw invalidArgument([{ field: 'work', description: 'must be set' }]);
    return work;
  };
  return {
    describeProcess: () => statusOf(pod, group.owners, rowsMax, troubles()),
    describeBacklog: ({ partition, endpointUid }) => backlogOf(owned(partition), endpointUid),
    explainWork: ({ work }) => explainWork(owned(named(work).partition), named(work)),
    skipWork: ({ work, detail }) => skipWork(owned(named(work).partition), named(work), detail),
    moveWork({ work, to }) {
      if (to === MoveTo.DUE_NOW) return makeDue(owned(named(work).partition), named(work));
      throw new PostriderError('invalid_argument', 'this version does not know where to move it');
    },
  };
}

function statusOf(
  pod: Pod,
  owners: ReadonlyMap<number, PartitionOwner>,
  rowsMax: number,
  troubles: readonly string[],
): DispatcherStatus {
  const partitions: Record<string, number> = {};
  let rows = 0;
  for (const { state, serving } of owners.values()) {
    partitions[state] = (partitions[state] ?? 0) + 1;
    rows += serving?.parts?.table.rows.size ?? 0;
  }
  const { oldest, breakersOpen } = lanesSeen(pod, owners);
  const snapshot = pod.view.snapshot();
  return {
    ...DispatcherStatus.fromPartial({ version: VERSION, time: new Date(pod.clock.now()), partitions }),
    inFlight: pod.scheduler.inFlight,
    waiting: BigInt(rows),
    waitingMax: BigInt(rowsMax),
    oldestDueTime: oldest === Infinity ? undefined : new Date(oldest),
    revision: snapshot.revision,
    breakersOpen,
    configProblems: [...snapshot.problems()].length,
    troubles: [...troubles],
  };
}

/**
 * When the oldest of what its lane would start now fell due or was read (ms since the Unix epoch; Infinity: there is none), and
 * how many breakers are not closed.
 */
function lanesSeen(
  { clock }: Pod,
  owners: ReadonlyMap<number, PartitionOwner>,
): { readonly oldest: number; readonly breakersOpen: number } {
  let oldest = Infinity;
  let breakersOpen = 0;
  for (const { serving } of owners.values()) {
    const parts = serving?.parts;
    if (parts === undefined || parts === null) continue;
    let left = limits.backlogCountedMax;
    for (const lane of parts.lanes.all()) {
      if ((left -= 1) < 0) break;
      const failing = breakerWord(lane, clock) !== 'closed';
      if (failing) breakersOpen += 1;
      if (failing || lane.gate.kind !== 'open') continue;
      const row = lane.rows.ready?.top;
      if (row !== undefined && row !== 0) oldest = Math.min(oldest, parts.table.rows.dueAt.get(row) || Infinity);
      const first = lane.arrivals.entries.peek();
      if (first?.queuedIn === 'arrivals') oldest = Math.min(oldest, first.readyAt);
    }
  }
  return { oldest, breakersOpen };
}
