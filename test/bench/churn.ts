import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { deliveryId, limits, type Tier } from '@postrider/core';
import {
  connectKafka,
  topicName,
  topicSpecs,
  type Batch,
  type KafkaPort,
  type Producer,
  type TopicId,
} from '@postrider/kafka';
import { createFakeClock, type FakeClock } from '@postrider/kafka/testing';
import { systemClock } from '@postrider/runtime';
import { createByteMeter } from '../../services/dispatcher/src/byte-meter.ts';
import { createFreshOffsets } from '../../services/dispatcher/src/fresh-offsets.ts';
import { NO_ROW, RowIndex, mark } from '../../services/dispatcher/src/row-index.ts';
import { createSlices } from '../../services/dispatcher/src/slices.ts';
import { createTierBook } from '../../services/dispatcher/src/tier-book.ts';
import { tierRecord } from '../../services/dispatcher/src/tier-record.ts';
import { createTierStarts } from '../../services/dispatcher/src/tier-starts.ts';
import { createMemoryStore } from '../../services/dispatcher/src/waiting-store.ts';
import type { DispatcherEvents } from '../../services/dispatcher/src/events.ts';
import type { Ends } from '../../services/dispatcher/src/serving.ts';
import { startKafka } from '../support/kafka.ts';
import { tempDir, uniqueName } from '../support/resources.ts';
import { waitFor } from '../support/wait-for.ts';
import { keepResults, load, machineFacts, round } from './machine.ts';
import type { PlainOptions } from './plain-options.ts';

const TIER: Tier = 'retry.1m';
const PARTITION = 0;
const MINUTES = 60;
const MINUTE_MS = 60_000;
/** Of ten deliveries one ends each minute, and a new one takes its place. */
const ENDING_FRACTION = 0.1;
/** An end counts when a second one is read, noted a late write's life after it; both are seen to once a minute here. */
const LAG_MINUTES = 2 * (limits.lateWriteMs / MINUTE_MS + 1);
/** Rows are counted by stretches of offsets. */
const STRETCH_OFFSETS = 1_024;
/** About what a delivery's header takes. */
const ROW_BYTES = Buffer.alloc(300, 'h');

/**
 * An hour of retries, written to a real Kafka as fast as it takes them, while the clock by which ends of tiers are noted
 * goes on a minute for each minute's worth. Then a takeover loads from where the progress says, and finds what a load of
 * everything finds.
 */
export async function benchChurn(options: PlainOptions<'churn'>): Promise<void> {
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const loadBefore = load();
  await using data = await tempDir();
  await using kafka = await startKafka({ log: say, ownBrokers: true, dataDir: data.path });
  await using port = connectKafka({ brokers: kafka.bootstrapServers, clientId: 'bench', clock: systemClock });
  const prefix = `${uniqueName('churn')}.`;
  const bodyBytesMax = limits.bodyBytesDefault;
  await port.admin.createTopics([...topicSpecs({ prefix, partitions: 1, replicationFactor: 1, bodyBytesMax })]);
  const topic = topicName(prefix, TIER);

  const churned = await churn(port, prefix, options);
  const bytes = await bytesOf(data.path, `${topic}-${PARTITION}`);
  const each = await bytesOfEach(port, prefix, data.path, options.body);
  const everything = await takeOver(port, prefix, 0);
  const allowed = await takeOver(port, prefix, churned.loadFrom);
  if (allowed.rows !== everything.rows || allowed.rows !== options.rows)
    throw new Error(`${allowed.rows} rows found, ${everything.rows} by reading everything, ${options.rows} wait`);
  const most = churned.writtenWithinLag + STRETCH_OFFSETS;
  if (allowed.records > most) throw new Error(`a takeover reads ${allowed.records} records, allowed are ${most}`);

  const summary = {
    ...{ bench: 'churn', rows: options.rows, bodyBytes: options.body, minutes: MINUTES },
    ...{ recordsWritten: churned.rows + churned.tombstones, recordsRead: allowed.records, recordsAllowed: most },
    readFraction: round(allowed.records / everything.records, 3),
    ...{ loadSeconds: allowed.seconds, loadEverythingSeconds: everything.seconds },
    writtenPerSecond: Math.round((churned.rows + churned.tombstones) / churned.seconds),
    // After compaction, a day later; and until then, with every retry that it took.
    ...{
      bytesPerLiveRow: each.row,
      bytesPerEndedRow: each.tombstone,
      bytesPerLiveRowBefore: round(bytes / options.rows),
    },
    ...machineFacts(kafka, loadBefore),
  };
  await keepResults('churn', { summary, allowed, everything }, options.record);
  say(JSON.stringify(summary));
}

async function churn(port: KafkaPort, prefix: string, options: PlainOptions<'churn'>) {
  await using producer = port.producer({ name: 'bench-churn', batchRecordsMax: 2_000 });
  const clock = createFakeClock();
  const reign = createReign({ port, prefix, clock, epoch: 1, adopted: 0, producer });
  reign.begin({ low: 0, end: 0 });
  await using _ = await port.reader({ topic: topicName(prefix, TIER), partitions: [PARTITION], onBatch: reign.read });
  const body = Buffer.alloc(options.body, 'x');
  const keys = Array.from({ length: options.rows }, (__, i) => deliveryId(`msg_${i}`, 'churn'));
  const ending = Math.round(options.rows * ENDING_FRACTION);
  let [rows, tombstones, writtenWithinLag] = [0, 0, 0];
  const started = performance.now();
  for (let minute = 0; minute < MINUTES; minute += 1) {
    const ended = minute === 0 ? 0 : ending;
    await Promise.all(keys.splice(0, ended).map((key) => reign.write(key, null)));
    for (let i = 0; i < ended; i += 1) keys.push(deliveryId(`msg_${options.rows + tombstones + i}`, 'churn'));
    await Promise.all(keys.map((key) => reign.write(key, body)));
    rows += keys.length;
    tombstones += ended;
    if (minute >= MINUTES - LAG_MINUTES) writtenWithinLag += keys.length + ended;
    await waitFor(() => reign.position() === rows + tombstones, { what: 'what was written to be read' });
    await clock.advance(MINUTE_MS);
    await reign.tick();
  }
  return { rows, tombstones, writtenWithinLag, seconds: secondsSince(started), loadFrom: reign.loadFrom() };
}

/** Loads the tier as the next owner does. */
async function takeOver(port: KafkaPort, prefix: string, adopted: number) {
  const topic = topicName(prefix, TIER);
  const [range] = await port.admin.offsets(topic);
  const reign = createReign({ port, prefix, clock: createFakeClock(), epoch: 2, adopted, producer: null });
  const started = performance.now();
  const from = reign.begin({ low: range?.low ?? 0, end: range?.high ?? 0 });
  let records = 0;
  await using _ = await port.reader({
    topic,
    partitions: [PARTITION],
    from: new Map([[PARTITION, from]]),
    onBatch(batch) {
      records += batch.records.length;
      reign.read(batch);
    },
  });
  await reign.loaded;
  return { records, rows: reign.rows.size, seconds: secondsSince(started) };
}

/** A tier as a reign works with it: the real index, book and rule. Only the clock by which ends are noted is the bench's. */
function createReign(options: {
  readonly port: KafkaPort;
  readonly prefix: string;
  readonly clock: FakeClock;
  readonly epoch: number;
  readonly adopted: number;
  readonly producer: Producer | null;
}) {
  const { port, prefix, clock, epoch, adopted, producer } = options;
  const topic = (id: TopicId): string => topicName(prefix, id);
  let answered: Promise<unknown> = Promise.resolve();
  const ask = createFreshOffsets((name) => port.admin.offsets(name));
  const freshOffsets = (name: string) => {
    const answer = ask(name);
    answered = Promise.all([answered, answer]);
    return answer;
  };
  const starts = createTierStarts(
    { clock, topic, freshOffsets, events: unusedEvents },
    { partition: PARTITION, over: null },
    new Map([[TIER, adopted]]),
  );
  const rows = new RowIndex();
  const { promise: loaded, resolve: onLoaded } = Promise.withResolvers<void>();
  const nothing = (): undefined => undefined;
  let position = 0;
  const book = createTierBook({
    ...{ epoch, partition: PARTITION, fullName: topic, rows, store: createMemoryStore(), loadFrom: starts.loadFrom },
    ...{ slices: createSlices(systemClock), loading: createByteMeter() },
    write: (record, acked) =>
      producer?.enqueue({ ...record, mayWrite: () => true }, (error, ack) => {
        if (error !== null || ack === null) throw error ?? new Error('not acknowledged');
        acked(ack.offset);
      }),
    describe: () => ({ lane: null, origin: { bulk: false, offset: 0 }, order: null, dueAt: 0, expiresAt: 0, bytes: 0 }),
    onRow: (row) => rows.loaded(row),
    ...{ rowOf: nothing, mayRead: nothing, onLoaded: () => onLoaded() },
  });
  return {
    ...{ rows, loaded },
    begin(range: Ends): number {
      const ends = starts.begin(new Map([[TIER, range]])).get(TIER) as Ends;
      book.begin(TIER, ends);
      return ends.low;
    },
    read(batch: Batch): void {
      book.read(TIER, batch);
      position = batch.nextOffset;
    },
    position: () => position,
    async tick(): Promise<void> {
      starts.tick();
      await answered;
    },
    loadFrom: () => starts.encode().get(TIER) ?? 0,
    write(key: string, body: Buffer | null): Promise<void> {
      if (body !== null && rows.find(key) === NO_ROW) rows.add(key, mark.taken);
      const { promise, resolve } = Promise.withResolvers<void>();
      book.write(TIER, key, body === null ? null : { header: ROW_BYTES, body }, () => {
        if (body === null) rows.remove(rows.find(key));
        resolve();
      });
      return promise;
    },
  };
}

const unusedEvents = { offsetOutOfRange: fail, kafkaTrouble: fail } as unknown as DispatcherEvents;

function fail(what: unknown): never {
  throw new Error(`unexpected: ${String(what)}`);
}

function secondsSince(started: number): number {
  return round((performance.now() - started) / 1_000, 2);
}

/** What one row and one tombstone take on disk, written as a dispatcher writes them. */
async function bytesOfEach(port: KafkaPort, prefix: string, dataDir: string, bodyBytes: number) {
  await using producer = port.producer({ name: 'bench-each', batchRecordsMax: 2_000 });
  const row = { header: ROW_BYTES, body: Buffer.alloc(bodyBytes, 'x') };
  const count = 10_000;
  const measure = async (tier: Tier, delivery: typeof row | null): Promise<number> => {
    const topic = topicName(prefix, tier);
    const record = (n: number) =>
      tierRecord(topic, PARTITION, deliveryId(`msg_${n}`, 'churn'), { epoch: 1, n }, delivery);
    await Promise.all(Array.from({ length: count }, (_, n) => producer.send({ ...record(n), mayWrite: () => true })));
    return round((await bytesOf(dataDir, `${topic}-${PARTITION}`)) / count);
  };
  return { row: await measure('retry.1h', row), tombstone: await measure('retry.14d', null) };
}

/** What the log of a partition takes on disk, indexes left out. */
async function bytesOf(dataDir: string, partition: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(dataDir, { recursive: true })) {
    if (basename(dirname(entry)) === partition && entry.endsWith('.log'))
      bytes += (await stat(join(dataDir, entry))).size;
  }
  return bytes;
}
