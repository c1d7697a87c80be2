import { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { PriorityClass, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { DeliveryStage, type DeliveryExplanation } from '@postrider/contract/postrider/v1/delivery_service';
import { PostriderError } from '@postrider/core';
import { waitFor } from '../intake.ts';
import { explainWork, findWork, notHeld, type Found } from './explain.ts';
import type { WorkName } from '@postrider/contract/postrider/v1/owner_service';
import type { Owned } from './owned.ts';

/**
 * Ends a delivery as cancelled; `detail` says who wants that and why. What stands behind it in its order goes on.
 * @throws PostriderError `not_found`, `failed_precondition` while an answer is waited for
 */
export function skipWork(owned: Owned, name: WorkName, detail: string): DeliveryExplanation {
  const found = atRest(owned, name);
  const before = explainWork(owned, name);
  const { table, endings } = owned.parts;
  endings.cancel('work' in found ? found.work : table.takeOut(found.row), CancelReason.REQUESTED, detail);
  const summary = 'It ends as cancelled, and is not sent.';
  return { ...before, stage: DeliveryStage.CANCELLED, cancelReason: CancelReason.REQUESTED, summary };
}

/**
 * Makes a delivery that waits for its time due now. What is due, or stands in its lane's queue, stays as it is.
 * @throws PostriderError as `skipWork`; `failed_precondition` too for what is ordered, while retry tiers are being loaded
 */
export function makeDue(owned: Owned, name: WorkName): DeliveryExplanation {
  const found = atRest(owned, name);
  const { parts, clock, loading } = owned;
  const { table } = parts;
  const now = clock.now();
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
