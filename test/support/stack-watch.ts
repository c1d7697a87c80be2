import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import {
  compareRowVersions,
  createOwnershipFold,
  readDelivery,
  readRowVersion,
  type OwnershipFold,
  type RowVersionView,
} from '@postrider/core';
import { DEAD_LETTER_HEADER, DELIVERY_HEADER, ROW_HEADER, header, retryTiers } from '@postrider/kafka';
import type { IncomingRecord, TopicId } from '@postrider/kafka';
import type { AttemptSeen, DeadLetterSeen, Kill } from './check-deliveries.ts';
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
}

interface ProgressSeen {
  readonly at: number;
  readonly name: string;
}

interface Row {
  readonly version: RowVersionView;
  readonly live: boolean;
}

const intake = ['deliveries', 'deliveries.bulk'] as const;

/** Follows `deliveries`, `ownership` and the retry tiers from their beginning. */
export async function watchStack(stack: Stack): Promise<StackWatch> {
  await using readers = new AsyncDisposableStack();
  const routed = new Set<string>();
  const owners = Array.from({ length: stack.partitions }, () => createOwnershipFold());
  const progresses = owners.map((): ProgressSeen[] => []);
  const rows = new Map<string, Row>();
  const follow = async (id: TopicId, onRecord: (record: IncomingRecord) => void) => {
    const topic = stack.topic(id);
    const reader = await stack.kafka.reader({ topic, onBatch: ({ records }) => records.forEach(onRecord) });
    return readers.use(reader);
  };
  const [, , ...tiers] = await Promise.all([
    follow('deliveries', (record) => routed.add(readDelivery(header(record, DELIVERY_HEADER) as Buffer).deliveryId)),
    follow('ownership', (record) => applyOwnership(owners, progresses, record)),
    ...retryTiers.map((tier) => follow(tier, (record) => applyRow(rows, tier, record))),
  ]);

  async function rowsLeft(): Promise<number> {
    for (const [index, tier] of retryTiers.entries())
      for (const { partition, high } of await stack.kafka.admin.offsets(stack.topic(tier)))
        if ((tiers[index]?.position(partition) ?? 0) < high) return Infinity;
    return [...rows.values()].filter(({ live }) => live).length;
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
      uncoveredSince: new Map(progresses.map((seen, partition) => [partition, lastSureProgress(seen, at)])),
    }),
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

function applyOwnership(
  owners: readonly OwnershipFold[],
  progresses: readonly ProgressSeen[][],
  { partition, offset, timestamp, key, value }: IncomingRecord,
): void {
  const news = owners[partition]?.apply({ offset, key, value });
  if (news?.kind === 'problem') throw new Error(`ownership/${partition}, offset ${offset}: ${news.problem.detail}`);
  if (news?.kind !== 'progress') return;
  // A record that was sent twice counts once: what was composed next waited for the first copy only.
  const name = `${news.progress.epoch}/${news.progress.number}`;
  const seen = progresses[partition];
  if (seen?.every((other) => other.name !== name)) seen.push({ at: timestamp, name });
}

/** When the progress record before the last one that landed by `at` landed: the last one was composed after that. */
function lastSureProgress(seen: readonly ProgressSeen[], at: number): number {
  return seen.filter((progress) => progress.at <= at).at(-2)?.at ?? 0;
}

function applyRow(rows: Map<string, Row>, tier: TopicId, record: IncomingRecord): void {
  const key = `${tier} ${record.key?.toString()}`;
  const version = readRowVersion(header(record, ROW_HEADER) as Buffer);
  const before = rows.get(key);
  if (before !== undefined && compareRowVersions(before.version, version) > 0) return;
  rows.set(key, { version, live: record.value !== null });
}

/** Every attempt on record. */
export async function attemptsSeen(stack: Stack): Promise<AttemptSeen[]> {
  const attempts: AttemptSeen[] = [];
  await stack.topicRecords('attempts', ({ value, timestamp }) => {
    const { deliveryId, number, startedAt, decision } = Attempt.decode(value as Buffer);
    const next = decision?.decision;
    const nextDueAt = next?.$case === 'retry' ? (next.value.dueAt?.getTime() ?? null) : null;
    attempts.push({ deliveryId, number, startedAt: startedAt?.getTime() ?? 0, recordedAt: timestamp, nextDueAt });
  });
  return attempts;
}

/** Every dead letter on record. */
export async function deadLettersSeen(stack: Stack): Promise<DeadLetterSeen[]> {
  const letters: DeadLetterSeen[] = [];
  await stack.topicRecords('dead-letters', (record) => {
    const { delivery, reason } = DeadLetter.decode(header(record, DEAD_LETTER_HEADER) as Buffer);
    letters.push({ deliveryId: delivery?.deliveryId ?? '', attempts: delivery?.attempt ?? 0, reason });
  });
  return letters;
}
