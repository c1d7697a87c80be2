import { NO_EPOCH, createOwnershipFold } from '@postrider/core';
import type { Clock, OwnershipFold } from '@postrider/core';
import type { Batch, KafkaPort } from './port.ts';

/** Who owns a partition, as its newest records say. */
export interface OwnerOfPartition {
  readonly partition: number;
  /** The process of the newest valid claim; null: nobody ever claimed it. */
  readonly processId: string | null;
  /** Where that process answers questions, `host:port`; empty: it answers none, or has written nothing yet. */
  readonly address: string;
  /** It has given the partition up in good order, and nobody has claimed it since. */
  readonly released: boolean;
  /** When its last progress was written (the broker's time, ms since the Unix epoch); null: there is none. */
  readonly progressAt: number | null;
  /** Below which offset everything is done, by logical topic name; empty: nothing is known. */
  readonly watermarks: ReadonlyMap<string, number>;
  /** Processes that wrote for an older reign after the newest claim, among what was read. */
  readonly late: readonly string[];
}

/** How far is looked back at first, and then, for those of which nothing was found: what is written every second is near the end. */
const lookBackMs = [60_000, 3_600_000, Infinity] as const;

interface Reading {
  readonly fold: OwnershipFold;
  progressAt: number | null;
  readonly late: Set<string>;
}

/**
 * Reads who owns partitions of `ownership` (a full topic name), as anybody may: not as a member, and without waiting for what
 * is written later. All partitions when none are named.
 * @throws KafkaError when Kafka does not answer
 */
export async function readOwners(
  kafka: Pick<KafkaPort, 'admin' | 'reader'>,
  {
    topic,
    partitions,
    clock,
  }: { readonly topic: string; readonly partitions?: readonly number[]; readonly clock: Clock },
): Promise<readonly OwnerOfPartition[]> {
  const ranges = await kafka.admin.offsets(topic);
  const wanted = ranges.filter(({ partition }) => partitions?.includes(partition) ?? true);
  const found = new Map<number, Reading>();
  for (const backMs of lookBackMs) {
    const missing = wanted.filter(({ partition }) => (found.get(partition)?.fold.epoch ?? NO_EPOCH) === NO_EPOCH);
    if (missing.length === 0) break;
    const starts = backMs === Infinity ? null : await kafka.admin.offsetsAt(topic, clock.now() - backMs);
    const from = new Map(missing.map(({ partition, low }) => [partition, starts?.get(partition) ?? low]));
    for (const { partition } of missing) {
      found.set(partition, { fold: createOwnershipFold(), progressAt: null, late: new Set() });
    }
    const onBatch = (batch: Batch): void => readInto(found.get(batch.partition), batch);
    await using reader = await kafka.reader({ topic, partitions: [...from.keys()], from, onBatch });
    await reader.caughtUp;
  }
  return [...found]
    .map(([partition, reading]) => ownerOf(partition, reading))
    .toSorted((a, b) => a.partition - b.partition);
}

function readInto(reading: Reading | undefined, { records }: Batch): void {
  if (reading === undefined) return;
  for (const record of records) {
    const news = reading.fold.apply(record);
    if (news.kind === 'claim' && news.valid) reading.late.clear();
    if (news.kind !== 'progress') continue;
    if (news.progress.epoch < reading.fold.epoch) reading.late.add(news.progress.processId);
    else reading.progressAt = record.timestamp;
  }
}

function ownerOf(partition: number, { fold, progressAt, late }: Reading): OwnerOfPartition {
  const { processId, released, progress, epoch } = fold;
  const address = progress?.epoch === epoch ? (progress.address ?? '') : '';
  const watermarks = new Map([...(progress?.intake ?? [])].map(([topic, { watermark }]) => [topic, watermark]));
  return { partition, processId, address, released, progressAt, watermarks, late: [...late] };
}
