import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { moveDelivery, workKey, type DeliveryView } from '@postrider/core';
import { factsOfRow, noOrigin } from './intake.ts';
import { isBeforeTakeover, type IntakeEnds } from './intake-ledger.ts';
import { oldest, type Version } from './tier-record.ts';
import type { Lanes } from './lanes.ts';
import type { RowFacts } from './row-index.ts';
import type { Usable } from './usable-delivery.ts';
import type { StoredDelivery } from './waiting-store.ts';
import type { IntakeOffset } from './work.ts';

/** A row as a tier holds it. */
export interface TierRow {
  readonly key: string;
  readonly version: Version;
  readonly delivery: StoredDelivery;
}

/** What judging rows needs. */
export interface RowJudgeOptions {
  readonly usable: Usable;
  readonly lanes: Lanes;
  /** Ends of the two topics of intake when the partition was taken over. */
  readonly ends: IntakeEnds;
  /** Rows of epochs below name offsets of a topic that is no more. */
  readonly sinceEpoch: (at: IntakeOffset) => number;
  /** Wall clock, ms since the Unix epoch. */
  readonly now: () => number;
  readonly onView: (view: DeliveryView) => void;
  readonly onFault: (key: string, error: unknown) => void;
}

/** What the index keeps of a row that is loaded. */
export interface LoadedFacts extends RowFacts {
  /** What the store keeps; absent: what was read. */
  readonly instead?: StoredDelivery;
}

/** What is kept of a row that is loaded; null when it is none that an owner wrote, or cannot be taken in. */
export function describeRow(options: RowJudgeOptions, row: TierRow): LoadedFacts | null {
  try {
    return factsOf(options, row);
  } catch (error) {
    // One row must not keep the others of its tier from being loaded.
    options.onFault(row.key, error);
    return null;
  }
}

function factsOf({ usable, lanes, ends, sinceEpoch, now, onView }: RowJudgeOptions, row: TierRow): LoadedFacts | null {
  const { key, version, delivery } = row;
  const view = usable(delivery.header);
  if (typeof view === 'string' || rowProblem(view, key, version) !== null) return null;
  onView(view);
  const lane = lanes.of(view.endpointId, view.tenant, view.endpointRevision);
  if (view.waitReason === WaitReason.RATE_LIMITED) lanes.hold(lane, (view.dueAt ?? 0) - now());
  if (view.waitReason === WaitReason.BREAKER_OPEN) lanes.failed(lane);
  const bytes = delivery.header.length + delivery.body.length;
  const { intake } = view;
  if (intake !== null && version.epoch < sinceEpoch(intake)) {
    // Written again as it is, it would name a record of another topic.
    const header = moveDelivery(delivery.header, { intake: null });
    return { ...factsOfRow({ ...view, intake: null }, lane, bytes, now()), instead: { header, body: delivery.body } };
  }
  const facts = factsOfRow(view, lane, bytes, now());
  // A row of before the claim stands for a record of before the claim: anything else would end a record that nobody read.
  return isBeforeTakeover(facts.origin, ends) ? facts : { ...facts, origin: noOrigin };
}

function rowProblem(view: DeliveryView, key: string, version: Version): string | null {
  if (workKey(view.deliveryId, view.runId) !== key) return 'the row has the key of another delivery';
  return version.epoch === oldest.epoch ? 'the row has no version that an owner wrote' : null;
}

/** Why a row of this key cannot be used. */
export function whyUnusable(usable: Usable, key: string, header: Buffer | undefined): string {
  const view = usable(header);
  if (typeof view === 'string') return view;
  // What is left once the key is right.
  return rowProblem(view, key, oldest) ?? '';
}

/** What the index keeps of a row that cannot be used: it stands for no record, so its end ends none. */
export function unusableRow({ header, body }: StoredDelivery): RowFacts {
  const bytes = header.length + body.length;
  return { lane: null, origin: noOrigin, order: null, dueAt: 0, expiresAt: Infinity, bytes };
}
