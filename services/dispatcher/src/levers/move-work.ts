import { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { PriorityClass, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { DeliveryStage, type DeliveryExplanation } from '@postrider/contract/postrider/v1/delivery_service';
import { PostriderError } from '@postrider/core';
import { waitFor } from '../intake.ts';
import { explainWork, findWork, isGivenUp, notHeld, type Found } from './explain.ts';
import type { WorkName } from '@postrider/contract/postrider/v1/owner_service';
import type { Work } from '../work.ts';
import type { Owned } from './owned.ts';

/** What is not written by then is told to be under way: whoever asks waits a little longer. */
const ANSWER_MS = 4_000;
const LOOK_EVERY_MS = 5;

/**
 * Ends a delivery as cancelled; `detail` says who wants that and why. What stands behind it in its order goes on. Answered when
 * it is written: until then a crash lets the delivery go on.
 * @throws PostriderError `not_found`, `failed_precondition` while an answer is waited for, `internal` when a fault of ours lets it
 * go on; rejects with `unavailable` when the partition is lost meanwhile
 */
export function skipWork(owned: Owned, name: WorkName, detail: string): Promise<DeliveryExplanation> {
  const found = atRest(owned, name);
  const before = explainWork(owned, name);
  const { table, endings } = owned.parts;
  const work = 'work' in found ? found.work : table.takeOut(found.row);
  endings.cancel(work, CancelReason.REQUESTED, detail);
  if (work.state !== 'ending' && owned.isHeld()) {
    const text =
      'a fault of the dispatcher kept it from being cancelled, and it goes on; the log of the dispatcher says more';
    throw new PostriderError('internal', text);
  }
  const ended: DeliveryExplanation = {
    ...before,
    stage: DeliveryStage.CANCELLED,
    cancelReason: CancelReason.REQUESTED,
    summary: 'It has ended as cancelled, and is not sent.',
  };
  return untilEnded(owned, work).then((isWritten) => {
    if (isWritten) return ended;
    const summary = 'It is being cancelled: that is not written to Kafka yet. Ask in a moment whether it is.';
    return { ...ended, stage: DeliveryStage.BEING_WRITTEN, summary };
  });
}

/** True when the ending is acknowledged, false when that takes long. */
function untilEnded({ parts, clock, isHeld, partition }: Owned, work: Work): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const from = clock.monotonic();
  const look = (): void => {
    if (!isHeld()) {
      const text = `partition ${partition} was lost before the ending was written; ask again in a moment whether it was`;
      reject(new PostriderError('unavailable', text));
    } else if (parts.table.works.get(work.key) !== work) resolve(true);
    else if (clock.monotonic() - from >= ANSWER_MS) resolve(false);
    else clock.after(LOOK_EVERY_MS, look);
  };
  look();
  return promise;
}

/**
 * Makes a delivery that waits for its time due now. What is due, or stands in its lane's queue, stays as it is.
 * @throws PostriderError as `skipWork`; `failed_precondition` too for what was given up, and for what is ordered while retry tiers are being loaded
 */
export function makeDue(owned: Owned, name: WorkName): DeliveryExplanation {
  const found = atRest(owned, name);
  const { parts, clock, loading } = owned;
  const { table } = parts;
  const now = clock.now();
  if (isGivenUp(owned, found)) {
    throw new PostriderError(
      'failed_precondition',
      'it was given up, and is not attempted again: skip it to let its order go on',
    );
  }
  const isDue = 'work' in found || table.rows.dueAt.get(found.row) <= now;
  if (isDue) return explainWork(owned, name);
  if (loading && table.rows.orderOf(found.row) !== null) {
    throw new PostriderError('failed_precondition', 'its partition was taken over a moment ago; ask again in a moment');
  }
  table.put(table.takeOut(found.row), waitFor(WaitReason.RETRY, now, now));
  return { ...explainWork(owned, name), summary: 'It is made due now: it starts as soon as its lane lets it.' };
}

/**
 * Lets a delivery stand behind live work of its lane from now on; when it is due it stays so.
 * @throws PostriderError as `skipWork`; `failed_precondition` too for what is ordered: its place is its place
 */
export function moveBehind(owned: Owned, name: WorkName): DeliveryExplanation {
  const found = atRest(owned, name);
  const { table } = owned.parts;
  const { order, dueAt } = 'work' in found ? found.work : table.rows.factsOf(found.row);
  if (order !== null) throw new PostriderError('failed_precondition', 'it is ordered: it keeps its place');
  const now = owned.clock.now();
  const work = 'work' in found ? found.work : table.takeOut(found.row);
  work.behindLive = true;
  const { tier, changes } = waitFor(WaitReason.RETRY, Math.max(dueAt, now), now);
  table.put(work, { tier, changes: { ...changes, priorityClass: PriorityClass.BULK } });
  return {
    ...explainWork(owned, name),
    bulk: true,
    summary: 'It stands behind live work of its endpoint from now on.',
  };
}

function atRest(owned: Owned, name: WorkName): Found {
  const found = findWork(owned, name);
  if (found === undefined) throw notHeld(owned, name);
  if (!('work' in found) || found.work.state === 'idle') return found;
  const what = found.work.state === 'flying' ? 'its request is under way' : 'it is being written to Kafka';
  throw new PostriderError(
    'failed_precondition',
    `nothing can be done about it now: ${what}; ask again when that is over`,
  );
}
