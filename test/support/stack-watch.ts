import {
  compareRowVersions,
  createOwnershipFold,
  NO_EPOCH,
  readDelivery,
  readRowVersion,
  type OwnershipFold,
} from '@postrider/core';
import { DELIVERY_HEADER, ROW_HEADER, header, retryTiers } from '@postrider/kafka';
import type { IncomingRecord, TopicId } from '@postrider/kafka';
import type { Kill } from './check-deliveries.ts';
import type { TierRecordSeen } from './settled.ts';
import { createSureProgress, type SureProgress } from './sure-progress.ts';
import type { Stack } from './stack.ts';

/** What the topics of a stack say, read as it is written. */
export interface StackWatch extends AsyncDisposable {
  /** Different deliveries that the router has written so far. */
  readonly routed: number;
  /**
   * Resolves to true when nothing is left to do: all deliveries are routed, everything on `deliveries` and
   * `deliveries.bulk` is done by the progress that holds, and no retry tier holds a row. Rejects with what is left.
   */
  quiet(deliveries: number): Promise<true>;
  /** What a dispatcher's kill leaves uncovered; `at` in ms since the Unix epoch. */
  kill(at: number): Kill;
  /** For each time that a partition was claimed although its last owner had not released it: what that leaves uncovered. */
  readonly interruptions: readonly Kill[];
  /** Every valid claim of a partition, in the order of each partition's log. */
  readonly claims: readonly ClaimSeen[];
  /** Everything of an intake topic below this offset is done, by the progress that holds. */
  watermark(topic: (typeof intake)[number], partition: number): number;
  /** The process that owns a partition now; null before the first claim. */
  ownerOf(partition: number): string | null;
  /** Every partition has been taken over since then (ms since the Unix epoch). */
  takenOverSince(at: number): boolean;
  /** The delivery was routed before the reign of this epoch began, and a reign before it may have left rows of it. */
  olderThanReign(deliveryId: string, partition: number, epoch: number): boolean;
  /** Rows and tombstones of a delivery, as they stand in the tiers. */
  tierRecords(deliveryId: string): readonly TierRecordSeen[];
}

/** A claim as it stands on `ownership`; the broker's time, in milliseconds since the Unix epoch. */
export interface ClaimSeen {
  readonly at: number;
  readonly partition: number;
  readonly processId: string;
}

const intake = ['deliveries', 'deliveries.bulk'] as const;

/** Follows `deliveries`, `ownership` and the retry tiers from their beginning. */
export async function watchStack(stack: Stack): Promise<StackWatch> {
  await using readers = new AsyncDisposableStack();
  const routed = new Map<string, number>();
  const owners = Array.from({ length: stack.partitions }, () => createOwnershipFold());
  const progresses = owners.map(() => createSureProgress());
  const interruptions: Kill[] = [];
  const claims: ClaimSeen[] = [];
  const rows = new Map<string, TierRecordSeen[]>();
  const follow = async (id: TopicId, onRecord: (record: IncomingRecord) => void) => {
    const topic = stack.topic(id);
    const reader = await stack.kafka.reader({ topic, onBatch: ({ records }) => records.forEach(onRecord) });
    return readers.use(reader);
  };
  const [, , ...tiers] = await Promise.all([
    follow('deliveries', (record) => {
      const { deliveryId } = readDelivery(header(record, DELIVERY_HEADER) as Buffer);
      if (!routed.has(deliveryId)) routed.set(deliveryId, record.timestamp);
    }),
    follow('ownership', (record) => {
      const { partition, timestamp: at } = record;
      const owner = owners[partition];
      const unreleased = owner !== undefined && owner.epoch !== NO_EPOCH && !owner.released;
      if (!applyOwnership(owners, progresses, record)) return;
      claims.push({ at, partition, processId: owner?.processId ?? '' });
      const uncoveredSince = new Map([[partition, progresses[partition]?.coveredAt(at) ?? 0]]);
      if (unreleased) interruptions.push({ at, uncoveredSince });
    }),
    ...retryTiers.map((tier) => follow(tier, (record) => applyRow(rows, tier, record))),
  ]);

  async function rowsLeft(): Promise<number> {
    for (const [index, tier] of retryTiers.entries())
      for (const { partition, high } of await stack.kafka.admin.offsets(stack.topic(tier)))
        if ((tiers[index]?.position(partition) ?? 0) < high) return Infinity;
    return [...rows.values()].filter((records) => retryTiers.some((tier) => hasRow(records, tier))).length;
  }

  const owned = readers.move();
  return {
    get routed() {
      return routed.size;
    },
    async quiet(deliveries) {
      if (routed.size < deliveries) throw new Error(`${routed.size} of ${deliveries} deliveries are routed`);
      const undone = await undonePartitions(stack, owners);
      if (undone.length > 0) throw new Error(`not all is done: ${undone.join(', ')}`);
      const left = await rowsLeft();
      if (left > 0) throw new Error(`rows wait in the retry tiers: ${left}`);
      return true;
    },
    kill: (at) => ({
      at,
      uncoveredSince: new Map(progresses.map((progress, partition) => [partition, progress.coveredAt(at)])),
    }),
    interruptions,
    claims,
    watermark: (topic, partition) => owners[partition]?.progress?.intake.get(topic)?.watermark ?? 0,
    ownerOf: (partition) => owners[partition]?.processId ?? null,
    takenOverSince: (at) =>
      progresses.every(({ seen }) => seen.some((progress) => progress.number === 1 && progress.at > at)),
    olderThanReign(deliveryId, partition, epoch) {
      const before = progresses[partition]?.seen.some((seen) => seen.epoch < epoch) === true;
      const began = progresses[partition]?.seen.find((seen) => seen.epoch === epoch)?.at ?? Infinity;
      return before && (routed.get(deliveryId) ?? Infinity) <= began;
    },
    tierRecords: (deliveryId) => rows.get(deliveryId) ?? [],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function undonePartitions(stack: Stack, owners: readonly OwnershipFold[]): Promise<string[]> {
  const undone: string[] = [];
  for (const id of intake)
    for (const { partition, high } of await stack.kafka.admin.offsets(stack.topic(id))) {
      const watermark = owners[partition]?.progress?.intake.get(id)?.watermark ?? 0;
      if (watermark < high) undone.push(`${id}/${partition} ${watermark} of ${high}`);
    }
  return undone;
}

/** Tells whether the record is a valid claim. */
function applyOwnership(
  owners: readonly OwnershipFold[],
  progresses: readonly SureProgress[],
  { partition, offset, timestamp, key, value }: IncomingRecord,
): boolean {
  const news = owners[partition]?.apply({ offset, key, value });
  if (news?.kind === 'problem') throw new Error(`ownership/${partition}, offset ${offset}: ${news.problem.detail}`);
  if (news?.kind === 'claim') return news.valid;
  if (news?.kind !== 'progress') return false;
  const { epoch, number } = news.progress;
  progresses[partition]?.add({ at: timestamp, epoch, number });
  return false;
}

function applyRow(rows: Map<string, TierRecordSeen[]>, tier: TopicId, record: IncomingRecord): void {
  const key = record.key?.toString() ?? '';
  const version = readRowVersion(header(record, ROW_HEADER) as Buffer);
  const attempt = record.value === null ? null : readDelivery(header(record, DELIVERY_HEADER) as Buffer).attempt;
  const seen = { tier, at: record.timestamp, version, attempt };
  const records = rows.get(key);
  if (records === undefined) rows.set(key, [seen]);
  else records.push(seen);
}

/** Whether the newest record of a tier is a row. */
function hasRow(records: readonly TierRecordSeen[], tier: TopicId): boolean {
  let newest: TierRecordSeen | undefined;
  for (const record of records) {
    if (record.tier !== tier) continue;
    if (newest === undefined || compareRowVersions(record.version, newest.version) >= 0) newest = record;
  }
  return newest !== undefined && newest.attempt !== null;
}
