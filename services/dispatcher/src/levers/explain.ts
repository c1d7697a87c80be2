import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { DeliveryExplanation, DeliveryStage } from '@postrider/contract/postrider/v1/delivery_service';
import { PostriderError, readDelivery, whyWaiting, workKey, type DeliveryView } from '@postrider/core';
import { NO_ROW, mark } from '../row-index.ts';
import { keptInOrder, pausesOf } from './backlog.ts';
import { laneStand } from './lane-stand.ts';
import { pauseWords, waitWords } from './words.ts';
import type { WorkName } from '@postrider/contract/postrider/v1/owner_service';
import type { Work } from '../work.ts';
import type { Owned } from './owned.ts';

/** A delivery in the hands of its owner: being worked on, or a row that waits. */
export type Found = { readonly work: Work } | { readonly row: number };

/** Undefined: the owner holds no such delivery of this endpoint. */
export function findWork({ parts }: Owned, { endpointUid, deliveryId, runId }: WorkName): Found | undefined {
  const { works, rows } = parts.table;
  const key = workKey(deliveryId, runId);
  const work = works.get(key);
  if (work !== undefined) return work.lane?.endpointId === endpointUid ? { work } : undefined;
  const row = rows.find(key);
  return row !== NO_ROW && rows.laneOf(row)?.endpointId === endpointUid ? { row } : undefined;
}

/** Where a delivery is, and why. Throws `not_found` when its owner does not hold it. */
export function explainWork(owned: Owned, name: WorkName): DeliveryExplanation {
  const found = findWork(owned, name);
  if (found === undefined) throw notHeld(owned, name);
  const { parts, partition, pod } = owned;
  const { table } = parts;
  const header =
    'work' in found ? (found.work.delivery ?? table.bytesOf(found.work))?.header : parts.store.get(found.row)?.header;
  const view = header === undefined ? null : readDelivery(header);
  const told = {
    ...DeliveryExplanation.fromPartial({ runId: name.runId, partition, dispatcher: `dispatchers/${pod.processId}` }),
    ...(view === null ? {} : fieldsOf(view)),
  };
  const bulk = 'work' in found ? found.work.behindLive === true : table.rows.is(found.row, mark.behindLive);
  return { ...told, bulk, ...placeOf(owned, found, name, { attempts: told.attempts, bulk }) };
}

/** The error of a question about what is not here. */
export function notHeld({ loading }: Owned, { deliveryId }: WorkName): PostriderError {
  const more = loading ? '; its partition was taken over a moment ago, and not all that waits is loaded yet' : '';
  return new PostriderError('not_found', `the owner holds no delivery ${deliveryId} of this endpoint${more}`);
}

/** Whether it has used up its attempts, and order keeps it in its place. */
export function isGivenUp({ parts }: Owned, found: Found): boolean {
  return 'work' in found ? found.work.order?.givenUp === true : parts.table.rows.is(found.row, mark.givenUp);
}

function fieldsOf(view: DeliveryView): Partial<DeliveryExplanation> {
  const { last, attempt, firstSeen, expiresAt } = view;
  return {
    attempts: attempt,
    last: last === null ? undefined : { ...last, endedAt: dateOf(last.endedAt) },
    firstSeenTime: dateOf(firstSeen),
    expireTime: dateOf(expiresAt),
  };
}

type Place = Pick<DeliveryExplanation, 'stage' | 'summary'> & Partial<DeliveryExplanation>;

function placeOf(
  owned: Owned,
  found: Found,
  name: WorkName,
  { attempts, bulk }: { readonly attempts: number; readonly bulk: boolean },
): Place {
  const { parts, clock } = owned;
  const { rows } = parts.table;
  if ('work' in found && found.work.state !== 'idle') return busyPlace(found.work, attempts);
  const { lane, dueAt } = 'work' in found ? found.work : rows.factsOf(found.row);
  const tier = 'work' in found ? found.work.tier : rows.tierOf(found.row);
  const keptByOrder = 'work' in found ? found.work.queuedIn === 'held' : keptInOrder(rows, found.row);
  const now = clock.now();
  const reason = lane === null ? undefined : whyWaiting({ dueAt, keptByOrder }, laneStand(lane, clock), now);
  const pauses = pausesOf(owned, name.endpointUid);
  if (isGivenUp(owned, found)) return givenUpPlace({ tier, attempts, pauses });
  const due = dueAt > now ? ` It is due at ${new Date(dueAt).toISOString()}.` : '';
  const behind = bulk ? ' It stands behind live work of its endpoint.' : '';
  const where = tier === null ? 'It is in the queue of its endpoint, in memory.' : `It is in the retry tier ${tier}.`;
  const why = reason === undefined ? '' : ` ${waitWords(reason)}`;
  return {
    stage: tier === null ? DeliveryStage.QUEUED : DeliveryStage.WAITING,
    summary: `${where}${why}${due}${behind}${triesWords(attempts)}${pauseWords(pauses)}`,
    dueTime: dueAt > now ? new Date(dueAt) : undefined,
    tier: tier ?? '',
    pauses,
    ...(reason !== undefined && { reason }),
  };
}

/** It waits for a person; the words say what that one can do. */
function givenUpPlace({
  tier,
  attempts,
  pauses,
}: {
  tier: string | null;
  attempts: number;
  pauses: Place['pauses'];
}): Place {
  const summary =
    `It was given up (attempts: ${attempts}), and what stands behind it in its order waits for a person: skip it, or let the ` +
    'endpoint go on after what is given up (--on-exhausted skip).';
  return { stage: DeliveryStage.WAITING, reason: WaitReason.ORDER, summary, tier: tier ?? '', pauses: pauses ?? [] };
}

/** Nothing is waited for but an answer: of its endpoint, or of Kafka. */
function busyPlace({ state }: Work, attempts: number): Place {
  if (state === 'flying') {
    return { stage: DeliveryStage.IN_FLIGHT, summary: `Its request is under way.${triesWords(attempts)}` };
  }
  const what = state === 'ending' ? 'It ends' : 'It begins to wait';
  return { stage: DeliveryStage.BEING_WRITTEN, summary: `${what}: that is being written to Kafka at this moment.` };
}

function triesWords(attempts: number): string {
  return attempts === 0 ? ' It has not been attempted yet.' : ` Attempts so far: ${attempts}.`;
}

function dateOf(ms: number | null): Date | undefined {
  return ms === null ? undefined : new Date(ms);
}
