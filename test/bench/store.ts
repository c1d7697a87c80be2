import { monitorEventLoopDelay } from 'node:perf_hooks';
import { TIERS, createLoadFrom, deliveryId, encodeRowVersion, limits, readDelivery } from '@postrider/core';
import { DELIVERY_HEADER, ROW_HEADER, type IncomingRecord } from '@postrider/kafka';
import { systemClock } from '@postrider/runtime';
import { createByteMeter } from '../../services/dispatcher/src/byte-meter.ts';
import { createLane, type Lane } from '../../services/dispatcher/src/lane.ts';
import { factsOfRow } from '../../services/dispatcher/src/intake.ts';
import { RowIndex, mark } from '../../services/dispatcher/src/row-index.ts';
import { createSlices } from '../../services/dispatcher/src/slices.ts';
import { createTierBook } from '../../services/dispatcher/src/tier-book.ts';
import { createWaitingStores, type WaitingStores } from '../../services/dispatcher/src/waiting-stores.ts';
import { workOfRow } from '../../services/dispatcher/src/work.ts';
import { deliveryRecord } from '../../services/dispatcher/testing/test-records.ts';
import { tempDir } from '../support/resources.ts';
import { liveBytes } from './live-bytes.ts';
import { keepResults, load, machineFacts, median, round } from './machine.ts';
import type { PlainOptions } from './plain-options.ts';
import type { WaitingStore } from '../../services/dispatcher/src/waiting-store.ts';

const PARTITIONS = 12;
const LANES = 1_000;
const CHURNED = 200_000;
const LOADED = 200_000;
const LOAD_BATCH = 500;
const KEYS_AT_ONCE = 50_000;
const owner = { mayStart: () => true, start: () => true, takeDue: () => undefined };

interface Round {
  readonly fillUs: number;
  readonly cycleUs: number;
  readonly slowestMs: number;
  readonly memoryBytesPerRow: number;
  readonly indexBytesPerRow: number;
  readonly diskBytesPerRow: number;
  readonly diskGrowth: number;
  readonly rssGrowthPerRow: number;
  readonly loadPerSecond: number;
  readonly loadLoopDelayP99Ms: number;
}

/** One partition's rows, in memory what the dispatcher holds of them, on disk the rest. */
interface Partition {
  readonly rows: RowIndex;
  readonly store: WaitingStore;
}

/** Measures the local store of waiting deliveries as the dispatcher uses it: index and disk together, all CPU of the process. */
export async function benchStore(options: PlainOptions<'store'>): Promise<void> {
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const loadBefore = load();
  const rounds: Round[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    rounds.push(await measure(options));
    say(`Round ${round}: ${JSON.stringify(rounds.at(-1))}`);
  }
  const names = Object.keys(rounds[0] as Round) as (keyof Round)[];
  const medians = Object.fromEntries(names.map((name) => [name, median(rounds.map((one) => one[name]))]));
  const { rows, body, record } = options;
  const summary = { bench: 'store', rows, bodyBytes: body, ...medians, ...machineFacts(null, loadBefore) };
  await keepResults('store', { summary, rounds }, record);
  say(JSON.stringify(summary));
}

async function measure({ rows: count, body }: PlainOptions<'store'>): Promise<Round> {
  await using directory = await tempDir();
  using stores = createWaitingStores({
    ...{ directory: directory.path, bytesMax: Number.MAX_SAFE_INTEGER, clock: systemClock },
    events: {
      storeLost: (...[, , error]) => {
        throw error;
      },
      storeInMemory: () => undefined,
      storesFull: () => undefined,
    },
  });
  const sample = deliveryRecord('event-1', 'shop', Date.now(), 'x'.repeat(body), {});
  const delivery = { header: sample.headers[DELIVERY_HEADER] as Buffer, body: sample.value };
  const lanes = Array.from({ length: LANES }, (_, i) => createLane(owner, `ep_${i}`, 'acme'));
  const partitions = Array.from({ length: PARTITIONS }, (_, i): Partition => {
    const lost = (): void => {
      throw new Error('the store is lost');
    };
    return { rows: new RowIndex(), store: stores.create(i, lost) };
  });
  // Made beforehand: hashing a key is not the store's work, and the texts are not its memory.
  const keys = Array.from({ length: CHURNED }, (_, i) => deliveryId(`msg_${i}`, 'churn'));
  const put = (key: string, i: number): void => {
    const { rows, store } = partitions[i % PARTITIONS] as Partition;
    const row = rows.add(key);
    const dueAt = Date.now() + 60_000 + (i % 3_600_000);
    const origin = { bulk: false, offset: i };
    const lane = lanes[i % LANES] as Lane;
    rows.describe(row, { lane, origin, order: null, dueAt, expiresAt: dueAt + limits.retrySpanMaxMs, bytes: body });
    rows.setVersion(row, 'retry.1h', { epoch: 7, n: i });
    rows.set(row, mark.acked, true);
    store.put(row, delivery);
    rows.wait(row);
  };

  // What the process holds besides its rows is there after the first of them.
  const first = Math.floor(count / 10);
  const firstCpu = fill(0, first, put);
  const before = await liveBytes();
  const rssBefore = process.memoryUsage.rss();
  const fillCpu = firstCpu + fill(first, count, put);
  const after = await liveBytes();
  const rssAfter = process.memoryUsage.rss();
  const filledBytes = stores.bytes;
  let slowestMs = 0;
  const cycleCpu = cpuOf(() => {
    keys.forEach((key, i) => {
      const began = performance.now();
      cycle(partitions[i % PARTITIONS] as Partition, Math.floor(count / PARTITIONS), i);
      put(key, i);
      slowestMs = Math.max(slowestMs, performance.now() - began);
    });
  });
  const indexBytes = partitions.reduce((sum, { rows }) => sum + rows.bytes, 0);
  return {
    fillUs: round(fillCpu / count, 2),
    cycleUs: round(cycleCpu / CHURNED, 2),
    slowestMs: round(slowestMs),
    memoryBytesPerRow: round((after - before) / (count - first)),
    indexBytesPerRow: round(indexBytes / count),
    diskBytesPerRow: round(filledBytes / count),
    diskGrowth: round(stores.bytes / filledBytes, 3),
    rssGrowthPerRow: round((rssAfter - rssBefore) / (count - first)),
    ...(await measureLoad(stores, delivery)),
  };
}

/** CPU (µs) of putting that many; their keys are made beside it, in parts that are garbage afterwards. */
function fill(begin: number, end: number, put: (key: string, i: number) => void): number {
  let cpu = 0;
  for (let from = begin; from < end; from += KEYS_AT_ONCE) {
    const keys = Array.from({ length: Math.min(KEYS_AT_ONCE, end - from) }, (_, i) =>
      deliveryId(`msg_${from + i}`, 'fill'),
    );
    cpu += cpuOf(() => keys.forEach((key, i) => put(key, from + i)));
  }
  return cpu;
}

/** A row anywhere is read, taken out and forgotten, as when a retry ends. */
function cycle({ rows, store }: Partition, filled: number, i: number): void {
  let row = 1 + ((i * 7_919) % filled);
  while (rows.laneOf(row) === null) row = (row % filled) + 1;
  rows.leave(row);
  if (store.get(row) === undefined) throw new Error(`row ${row} is missing`);
  if (workOfRow(rows, row, 0).key === '') throw new Error('a row without a key');
  rows.remove(row);
  store.delete(row);
}

/** Rows read from a tier until they wait, records ready in memory; how far slices let the event loop go on meanwhile. */
async function measureLoad(
  stores: WaitingStores,
  delivery: { readonly header: Buffer; readonly body: Buffer },
): Promise<Pick<Round, 'loadPerSecond' | 'loadLoopDelayP99Ms'>> {
  const rows = new RowIndex();
  const store = stores.create(PARTITIONS, () => undefined);
  const lane = createLane(owner, 'ep_shop', 'acme');
  let loaded = (): void => undefined;
  const done = new Promise<void>((resolve) => (loaded = resolve));
  const book = createTierBook({
    ...{ epoch: 9, partition: 0, fullName: (tier) => tier, rows, store, slices: createSlices(systemClock) },
    ...{ loadFrom: new Map(TIERS.map((tier) => [tier, createLoadFrom(0)])), loading: createByteMeter() },
    write: () => undefined,
    rowOf: () => undefined,
    describe: ({ delivery: { header, body } }) => factsOfRow(readDelivery(header), lane, body.length, Date.now()),
    onRow: (row) => {
      rows.loaded(row);
      rows.wait(row);
    },
    onLoaded: () => loaded(),
    mayRead: () => undefined,
  });
  const headers = { [DELIVERY_HEADER]: delivery.header, [ROW_HEADER]: encodeRowVersion(3, 1) };
  const common = { topic: 'retry.1m', partition: 0 };
  const batches = Array.from({ length: LOADED / LOAD_BATCH }, (_, b) => {
    const records = Array.from({ length: LOAD_BATCH }, (__, i): IncomingRecord => {
      const offset = b * LOAD_BATCH + i;
      return {
        ...common,
        offset,
        timestamp: 0,
        key: Buffer.from(deliveryId(`msg_${offset}`, 'load')),
        value: delivery.body,
        headers,
      };
    });
    return { ...common, records, nextOffset: (b + 1) * LOAD_BATCH, highWatermark: LOADED };
  });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const began = process.cpuUsage();
  book.begin('retry.1m', { low: 0, end: LOADED });
  for (const batch of batches) book.read('retry.1m', batch);
  await done;
  const { user, system } = process.cpuUsage(began);
  delay.disable();
  if (rows.size !== LOADED) throw new Error(`${rows.size} rows instead of ${LOADED}`);
  return {
    loadPerSecond: Math.round(LOADED / ((user + system) / 1e6)),
    loadLoopDelayP99Ms: round(delay.percentile(99) / 1e6),
  };
}

function cpuOf(work: () => void): number {
  const began = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(began);
  return user + system;
}
