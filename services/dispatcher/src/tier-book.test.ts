/** The tiers of one reign, with writes that are acknowledged when the test says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TIERS, createLoadFrom, encodeRowVersion, readRowVersion, type LoadFrom, type Tier } from '@postrider/core';
import { DELIVERY_HEADER, ROW_HEADER, header, type Batch, type OutgoingRecord } from '@postrider/kafka';
import { createFakeClock } from '@postrider/kafka/testing';
import { createByteMeter } from './byte-meter.ts';
import { RowIndex, mark } from './row-index.ts';
import { createSlices } from './slices.ts';
import { createTierBook } from './tier-book.ts';
import { createMemoryStore } from './waiting-store.ts';

const tier = 'retry.1m';
const header1 = Buffer.from('delivery');

/** From where tiers are loaded, and where rows are said to stand. */
function watchLoadFrom() {
  const standing = new Map<Tier, number[]>(TIERS.map((name) => [name, []]));
  const of = (name: Tier): number[] => standing.get(name) as number[];
  const loadFrom = new Map<Tier, LoadFrom>(
    TIERS.map((name) => {
      const { stands, overruled, ...rest } = createLoadFrom(0);
      const watched = {
        ...rest,
        stands(offset: number): void {
          of(name).push(offset);
          stands(offset);
        },
        overruled(offset: number): void {
          assert.ok(of(name).includes(offset), `${offset} of ${name} was not said to stand`);
          of(name).splice(of(name).indexOf(offset), 1);
          overruled(offset);
        },
      };
      return [name, watched];
    }),
  );
  return { loadFrom, standing: (name: Tier): readonly number[] => of(name).toSorted((a, b) => a - b) };
}

function createBook(options: { readonly truth?: string } = {}) {
  const written: { readonly record: Omit<OutgoingRecord, 'mayWrite'>; readonly acked: (offset?: number) => void }[] =
    [];
  const { loadFrom, standing } = watchLoadFrom();
  const loadedRows: { readonly key: string; readonly body: string; readonly overwritten: boolean }[] = [];
  const rows = new RowIndex();
  const store = createMemoryStore();
  const loaded: string[] = [];
  const { truth } = options;
  const book = createTierBook({
    epoch: 20,
    partition: 0,
    fullName: (name) => name,
    write: (record, acked) => void written.push({ record, acked: (offset = 0) => acked(offset) }),
    rowOf: () => {
      if (truth === 'unrecorded') return truth;
      return truth === undefined ? undefined : { header: header1, body: Buffer.from(truth) };
    },
    onRow: (row) => {
      const body = store.get(row)?.body.toString() ?? '';
      loadedRows.push({ key: rows.keyOf(row), body, overwritten: rows.is(row, mark.overwritten) });
      rows.loaded(row);
    },
    ...{ rows, store, loadFrom, slices: createSlices(createFakeClock()), mayRead: () => undefined },
    loading: createByteMeter(),
    describe: () => ({ lane: null, origin: { bulk: false, offset: 0 }, order: null, dueAt: 0, expiresAt: 0, bytes: 0 }),
    onLoaded: (name) => void loaded.push(name),
  });
  return { book, written, rows: loadedRows, index: rows, loaded, standing };
}

function batch(
  ...records: readonly [offset: number, key: string, epoch: number, n: number, body: string | null][]
): Batch {
  const nextOffset = (records.at(-1)?.[0] ?? -1) + 1;
  return {
    topic: tier,
    partition: 0,
    nextOffset,
    highWatermark: nextOffset,
    records: records.map(([offset, key, epoch, n, body]) => ({
      topic: tier,
      partition: 0,
      offset,
      timestamp: 0,
      key: Buffer.from(key),
      value: body === null ? null : Buffer.from(body),
      headers: { [ROW_HEADER]: encodeRowVersion(epoch, n), [DELIVERY_HEADER]: header1 },
    })),
  };
}

test('of the records of a key the newest (epoch, n) holds, wherever it stands in the log', () => {
  const { book, rows, written, loaded } = createBook();
  book.begin(tier, { low: 0, end: 6 });
  book.read(
    tier,
    batch([0, 'a', 10, 5, 'newer'], [1, 'a', 10, 4, 'older'], [2, 'b', 11, 1, null], [3, 'b', 10, 9, 'gone']),
  );
  assert.deepEqual(loaded, []);
  book.read(tier, batch([4, 'c', 9, 1, 'old'], [5, 'c', 10, 1, 'new']));
  assert.deepEqual(loaded, [tier]);
  assert.deepEqual(
    rows.map(({ key, body, overwritten }) => [key, body, overwritten]),
    [
      ['a', 'newer', true],
      ['c', 'new', false],
    ],
  );
  // The log ends with a row of b that is gone: its tombstone is written behind it.
  assert.deepEqual(
    written.map(({ record }) => [record.key?.toString(), record.value]),
    [['b', null]],
  );
});

test('what this reign has written meanwhile is not overruled by what is loaded', () => {
  const { book, rows } = createBook();
  book.begin(tier, { low: 0, end: 1 });
  book.write(tier, 'a', null);
  book.read(tier, batch([0, 'a', 10, 5, 'stale']));
  assert.deepEqual(rows, []);
});

test('past the end a row of an unknown key is answered with a tombstone, an unknown tombstone with nothing', () => {
  const { book, written } = createBook();
  book.begin(tier, { low: 0, end: 0 });
  book.read(tier, batch([0, 'late', 10, 7, 'x'], [1, 'other', 10, 8, null]));
  assert.deepEqual(
    written.map(({ record }) => [record.key?.toString(), record.value]),
    [['late', null]],
  );
});

test('an older record behind a row of ours is answered with that row, one that we still overtake is not', () => {
  const { book, written } = createBook({ truth: 'mine' });
  book.begin(tier, { low: 0, end: 0 });
  book.write(tier, 'a', { header: header1, body: Buffer.from('mine') });
  book.read(tier, batch([0, 'a', 10, 7, null]));
  assert.equal(written.length, 1);
  book.read(tier, batch([1, 'a', 20, 1, 'mine'], [2, 'a', 10, 8, null]));
  assert.equal(written.length, 2);
  assert.equal(written[1]?.record.value?.toString(), 'mine');
  assert.deepEqual(header(written[1]?.record as never, ROW_HEADER), encodeRowVersion(20, 2));
});

test('a row that counts an attempt which is not on record is no answer: what follows that record will stand behind', () => {
  const { book, written } = createBook({ truth: 'unrecorded' });
  book.begin(tier, { low: 0, end: 1 });
  book.read(tier, batch([0, 'a', 10, 1, 'x'], [1, 'a', 10, 2, null]));
  assert.deepEqual(written, []);
});

test('our own tombstone is forgotten once it was read; a late copy of our own row behind it is answered', () => {
  const { book, written } = createBook();
  book.begin(tier, { low: 0, end: 0 });
  book.write(tier, 'a', { header: header1, body: Buffer.from('mine') });
  book.write(tier, 'a', null);
  book.read(tier, batch([0, 'a', 20, 1, 'mine'], [1, 'a', 20, 2, null]));
  assert.equal(book.known(tier, 'a'), undefined);
  assert.equal(written.length, 2);
  book.read(tier, batch([2, 'a', 20, 1, 'mine']));
  assert.equal(written[2]?.record.value, null);
});

test('a tier without records is loaded at once, and one that retention has emptied as soon as that is known', () => {
  const { book, loaded } = createBook();
  book.begin(tier, { low: 5, end: 5 });
  book.begin('retry.1h', { low: 0, end: 9 });
  book.passed('retry.1h', 9);
  assert.deepEqual(loaded, [tier, 'retry.1h']);
});

test('a row that a tombstone overrules is buried again, also when an older tombstone stands last', () => {
  const { book, written } = createBook();
  book.begin(tier, { low: 0, end: 3 });
  book.read(tier, batch([0, 'a', 10, 5, null], [1, 'a', 10, 3, 'late'], [2, 'a', 10, 2, null]));
  assert.deepEqual(
    written.map(({ record }) => [record.key?.toString(), record.value]),
    [['a', null]],
  );
});

test('a row stands where it was read, then where it is acknowledged again, and no more once its tombstone is', () => {
  const { book, written, standing } = createBook();
  book.begin(tier, { low: 0, end: 8 });
  book.read(tier, batch([6, 'a', 10, 1, 'x'], [7, 'a', 10, 2, 'x']));
  assert.deepEqual(standing(tier), [7]);
  book.write(tier, 'a', { header: header1, body: Buffer.from('y') });
  assert.deepEqual(standing(tier), [7]);
  written[0]?.acked(12);
  assert.deepEqual(standing(tier), [12]);
  book.write(tier, 'a', null);
  assert.deepEqual(standing(tier), [12]);
  written[1]?.acked(13);
  assert.deepEqual(standing(tier), []);
});

test('a row that moved stands in both tiers until its tombstone is acknowledged', () => {
  const { book, written, standing } = createBook();
  book.begin(tier, { low: 0, end: 1 });
  book.read(tier, batch([0, 'a', 10, 1, 'x']));
  book.write('retry.1h', 'a', { header: header1, body: Buffer.from('y') });
  written[0]?.acked(40);
  assert.deepEqual([standing(tier), standing('retry.1h')], [[0], [40]]);
  book.write(tier, 'a', null);
  written[1]?.acked(1);
  assert.deepEqual([standing(tier), standing('retry.1h')], [[], [40]]);
});

test('a row whose acknowledgement comes after a newer write was handed over stands until that one is acknowledged', () => {
  const { book, written, standing } = createBook();
  book.begin(tier, { low: 0, end: 0 });
  book.write(tier, 'a', { header: header1, body: Buffer.from('x') });
  book.write(tier, 'a', null);
  written[0]?.acked(0);
  assert.deepEqual(standing(tier), [0]);
  written[1]?.acked(1);
  assert.deepEqual(standing(tier), []);
});

test('a row stands no more once its tombstone is read, acknowledged or not', () => {
  const { book, written, standing } = createBook();
  book.begin(tier, { low: 0, end: 1 });
  book.read(tier, batch([0, 'a', 10, 1, 'x']));
  book.write(tier, 'a', null);
  book.read(tier, batch([1, 'a', 20, 1, null]));
  assert.deepEqual(standing(tier), []);
  written[0]?.acked(1);
  assert.deepEqual(standing(tier), []);
});

test('whatever is written, lands, is read and acknowledged: no row stands above where the log holds it, in the end exactly there', () => {
  const op = fc.record({
    key: fc.nat(3),
    to: fc.nat(2),
    what: fc.constantFrom('row', 'row', 'tombstone', 'land', 'land', 'ack', 'ack', 'read'),
  });
  fc.assert(
    fc.property(fc.array(op, { maxLength: 80 }), (ops) => {
      const { book, index, written, standing } = createBook({ truth: 'x' });
      for (const name of TIERS) book.begin(name, { low: 0, end: 0 });
      for (const key of ['k0', 'k1']) index.add(key, mark.taken);
      const logs = new Map<Tier, { readonly key: string; readonly n: number; readonly body: string | null }[]>();
      const logOf = (name: Tier) => logs.getOrInsert(name, []);
      const offsets: number[] = [];
      const read = new Map<Tier, number>();
      let acked = 0;
      const steps = {
        land() {
          const next = written[offsets.length];
          if (next === undefined) return;
          const log = logOf(next.record.topic as Tier);
          const { n } = readRowVersion(header(next.record as never, ROW_HEADER) as Buffer);
          offsets.push(log.length);
          log.push({ key: String(next.record.key), n, body: next.record.value?.toString() ?? null });
        },
        ack() {
          if (acked === offsets.length) return;
          written[acked]?.acked(offsets[acked]);
          acked += 1;
        },
        read(name: Tier) {
          const at = read.get(name) ?? 0;
          const next = logOf(name)[at];
          if (next === undefined) return;
          read.set(name, at + 1);
          book.read(name, batch([at, next.key, 20, next.n, next.body]));
        },
      };
      const held = (name: Tier): number[] => {
        const last = new Map(logOf(name).map(({ key, body }, offset) => [key, { offset, body }]));
        return [...last.values()]
          .flatMap(({ offset, body }) => (body === null ? [] : [offset]))
          .toSorted((a, b) => a - b);
      };
      for (const { key, to, what } of ops) {
        const name = TIERS[to] as Tier;
        if (what === 'row' || what === 'tombstone')
          book.write(name, `k${key}`, what === 'row' ? { header: header1, body: Buffer.from('x') } : null);
        else steps[what](name);
        // What has landed and is not acknowledged holds load-from by itself.
        if (acked < offsets.length) continue;
        for (const one of TIERS) assert.ok((standing(one)[0] ?? Infinity) <= (held(one)[0] ?? Infinity));
      }
      while (acked < written.length) {
        steps.land();
        steps.ack();
      }
      for (const one of TIERS) assert.deepEqual(standing(one), held(one));
    }),
    { numRuns: 400 },
  );
});
