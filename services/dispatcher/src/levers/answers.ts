import { DispatcherStatus } from '@postrider/contract/postrider/v1/dispatcher_service';
import { MoveTo } from '@postrider/contract/postrider/v1/delivery_service';
import { PostriderError, VERSION, invalidArgument } from '@postrider/core';
import { backlogOf } from './backlog.ts';
import { explainWork } from './explain.ts';
import { makeDue, moveBehind, skipWork } from './move-work.ts';
import { ownedPartition } from './owned.ts';
import type { WorkName } from '@postrider/contract/postrider/v1/owner_service';
import type { OwnerGroup } from '../group.ts';
import type { Pod } from '../pod.ts';
import type { LaneSurvey } from './lane-survey.ts';
import type { Answers } from './owner-server.ts';

/** What answers need. */
export interface AnswersOptions {
  readonly pod: Pod;
  readonly group: Pick<OwnerGroup, 'owners'>;
  readonly rowsMax: number;
  readonly survey: () => LaneSurvey;
  /** What keeps this process from sending, in plain words. */
  readonly troubles: () => readonly string[];
}

/** Answers of a dispatcher that works. */
export function createAnswers(options: AnswersOptions): Answers {
  const { pod, group } = options;
  const owned = (partition: number) => ownedPartition(group.owners, partition, pod);
  const named = (work: WorkName | undefined): WorkName => {
    if (work === undefined) throw invalidArgument([{ field: 'work', description: 'must be set' }]);
    return work;
  };
  return {
    describeProcess: () => statusOf(options),
    describeBacklog: ({ partition, endpointUid }) => backlogOf(owned(partition), endpointUid),
    explainWork: ({ work }) => explainWork(owned(named(work).partition), named(work)),
    skipWork: ({ work, detail }) => skipWork(owned(named(work).partition), named(work), detail),
    moveWork({ work, to }) {
      if (to === MoveTo.DUE_NOW) return makeDue(owned(named(work).partition), named(work));
      if (to === MoveTo.BULK) return moveBehind(owned(named(work).partition), named(work));
      throw new PostriderError('invalid_argument', 'this version does not know where to move it');
    },
  };
}

function statusOf({ pod, group, rowsMax, survey, troubles }: AnswersOptions): DispatcherStatus {
  const partitions: Record<string, number> = {};
  let rows = 0;
  for (const { state, serving } of group.owners.values()) {
    partitions[state] = (partitions[state] ?? 0) + 1;
    rows += serving?.parts?.table.rows.size ?? 0;
  }
  const { oldest: byKind, lanes } = survey();
  const oldest = Math.min(byKind.live, byKind.retry, byKind.bulk);
  const snapshot = pod.view.snapshot();
  return {
    ...DispatcherStatus.fromPartial({ version: VERSION, time: new Date(pod.clock.now()), partitions }),
    inFlight: pod.scheduler.inFlight,
    waiting: BigInt(rows),
    waitingMax: BigInt(rowsMax),
    oldestDueTime: oldest === Infinity ? undefined : new Date(oldest),
    revision: snapshot.revision,
    breakersOpen: lanes.get('failing') ?? 0,
    configProblems: [...snapshot.problems()].length,
    troubles: [...troubles()],
  };
}
