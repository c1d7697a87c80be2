import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareRowVersions, deliveryId, encodeRowVersion } from '@postrider/core';
import { DELIVERY_HEADER, ROW_HEADER, type Batch, type IncomingRecord } from '@postrider/kafka';
import { createFakeClock } from '@postrider/kafka/testing';
import { createByteMeter } from './byte-meter.ts';
import { RowIndex, mark } from './row-index.ts';
import { createSlices } from './slices.ts';
import { createTierLoader } from './tier-loader.ts';
import { versionOf } from './tier-record.ts';
import { createMemoryStore } from './waiting-store.ts';

const tier = 'retry.1h';
const EPOCH = 9;
const keys = [...Array.from({ length: 5 }, (_, i) => deliveryId(`msg_${i}`, 'ep_1')), 'no delivery id'];

interface Written {
  readonly key: string;
  readonly version: { readonly epoch: number; readonly n: number };
  readonly body: string | null;
}

function recordOf({ key, version, body }: Written, offset: number): IncomingRecord {
  return {
    ...{ topic: tier, partition: 0, offset, timestamp: 0, key: Buffer.from(key) },
    value: body === null ? null : Buffer.from(body),
    headers: { [ROW_HEADER]: encodeRowVersion(version.epoch, version.n), [DELIVERY_HEADER]: Buffer.from(key) },
  };
}

function batchOf(records: readonly IncomingRecord[], nextOffset: number): Batch {
  return { topic: tier, partition: 0, records, nextOffset, highWatermark: nextOffset };
}

/** A loader on a clock that each look at makes a bit later, so that slices end everywhere. */
function setUp(own: ReadonlySet<string> = new Set()) {
  const fake = createFakeClock();
  let looks = 0;
  const clock = { ...fake, monotonic: () => fake.monotonic() + (looks += 0.7), now: fake.now, after: fake.after };
  const rows = new RowIndex();
  const store = createMemoryStore();
  const loaded: Record<string, readonly [body: string, overwritten: boolean]> = {};
  const buried: string[] = [];
  const followed: number[] = [];
  const flow: boolean[] = [];
  let done = 0;
  const loader = createTierLoader({
    loading: createByteMeter(2_000_000),
    ...{ tier, rows, store, versionOf: (record) => versionOf(record, EPOCH), slices: createSlices(clock) },
    describe: () => ({ lane: null, origin: { bulk: false, offset: 0 }, order: null, dueAt: 0, expiresAt: 0, bytes: 1 }),
    isWritten: (key) => own.has(key),
    bury: (key) => void buried.push(key),
    onRow(row) {
      loaded[rows.keyOf(row)] = [store.get(row)?.body.toString() ?? '', rows.is(row, mark.overwritten)];
      rows.loaded(row);
    },
    follow: ({ offset }) => void followed.push(offset),
    onLoaded: () => (done += 1),
    onRead: () => undefined,
    mayRead: (may) => void flow.push(may),
  });
  return { clock: fake, rows, store, loader, loaded, buried, followed, flow, done: () => done };
}

/** What a tier says, read in one go and without any cleverness. */
function naive(written: readonly Written[], own: ReadonlySet<string>) {
  const loaded: Record<string, readonly [string, boolean]> = {};
  const buried: string[] = [];
  for (const key of keys) {
    const mine = written.filter((one) => one.key === key);
    // Of copies of one version the last counts.
    const newest = mine.reduce<Written | undefined>(
      (best, one) => (best === undefined || compareRowVersions(one.version, best.version) >= 0 ? one : best),
      undefined,
    );
    if (newest === undefined || own.has(key)) continue;
    const behind = mine.slice(mine.indexOf(newest) + 1);
    if (newest.body !== null) loaded[key] = [newest.body, behind.length > 0];
    else if (behind.some(({ body }) => body !== null)) buried.push(key);
  }
  return { loaded, buried };
}

const log = fc.array(
  fc.record({
    key: fc.constantFrom(...keys),
    version: fc.record({ epoch: fc.nat(2), n: fc.integer({ min: 1, max: 4 }) }),
    row: fc.boolean(),
  }),
  { maxLength: 60 },
);

test('whatever order records stand in, and however they are cut into batches and slices, the newest of each key is loaded', async () => {
  await fc.assert(
    fc.asyncProperty(
      log,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      fc.subarray(keys),
      fc.nat(5),
      async (plan, cuts, ours, past) => {
        const own = new Set(ours);
        const written = plan.map(({ row, ...one }, i): Written => ({ ...one, body: row ? `body ${i}` : null }));
        const end = Math.max(0, written.length - past);
        const { clock, loader, loaded, buried, followed, rows, done } = setUp(own);
        loader.begin({ low: 0, end });
        for (let from = 0, cut = 0; from < written.length; cut += 1) {
          const to = Math.min(written.length, from + (cuts[cut % cuts.length] as number));
          const records = written.slice(from, to).map((one, i) => recordOf(one, from + i));
          loader.read(batchOf(records, to));
          if (cut % 3 === 0) await clock.runUntilIdle();
          from = to;
        }
        await clock.runUntilIdle();
        const expected = naive(written.slice(0, end), own);
        assert.deepEqual(loaded, expected.loaded);
        assert.deepEqual(new Set(buried), new Set(expected.buried));
        assert.equal(rows.size, Object.keys(expected.loaded).length);
        assert.deepEqual(
          followed,
          Array.from({ length: written.length - end }, (_, i) => end + i),
        );
        assert.deepEqual([done(), loader.loaded], [1, true]);
      },
    ),
    { numRuns: 200 },
  );
});

test('nothing of a tier is handed on before all of it is read, and everything else has its turn meanwhile', async () => {
  const { clock, loader, loaded, done } = setUp();
  const count = 5_000;
  const written = Array.from({ length: count }, (_, i): Written => ({
    ...{ key: deliveryId(`msg_${i}`, 'ep_1'), body: `${i}`, version: { epoch: 1, n: i } },
  }));
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    if (done() === 0) clock.after(1, turn);
  };
  turn();
  loader.begin({ low: 0, end: count });
  const records = written.map((one, i) => recordOf(one, i));
  loader.read(batchOf(records.slice(0, count - 1), count - 1));
  await clock.advance(1_000);
  assert.deepEqual(loaded, {});
  const before = turns;
  loader.read(batchOf(records.slice(count - 1), count));
  await clock.advance(1_000);
  assert.equal(Object.keys(loaded).length, count);
  assert.ok(before > 50 && turns > before, `${before} turns, then ${turns}`);
});

test('while too much waits to be gone through no more is read, and reading goes on when there is room', async () => {
  const { clock, loader, flow, done } = setUp();
  const body = 'x'.repeat(20_000);
  const count = 400;
  const records = Array.from({ length: count }, (_, i) =>
    recordOf({ key: deliveryId(`msg_${i}`, 'ep_1'), version: { epoch: 1, n: i }, body }, i),
  );
  loader.begin({ low: 0, end: count });
  for (let i = 0; i < count; i += 200) loader.read(batchOf(records.slice(i, i + 200), i + 200));
  assert.deepEqual(flow, [false]);
  await clock.runUntilIdle();
  assert.deepEqual([flow, done()], [[false, true], 1]);
});

test('after closing nothing is gone through, and reading is not asked for any more', async () => {
  const { clock, loader, loaded, followed, flow } = setUp();
  loader.begin({ low: 0, end: 500 });
  const records = Array.from({ length: 600 }, (_, i) =>
    recordOf({ key: deliveryId(`msg_${i}`, 'ep_1'), version: { epoch: 1, n: i }, body: 'x'.repeat(10_000) }, i),
  );
  loader.read(batchOf(records, 600));
  loader.close();
  await clock.runUntilIdle();
  assert.deepEqual([loaded, followed, flow], [{}, [], [false]]);
});
