/** One partition's intake and table; its lane starts something when the test says so, and all writes are acknowledged at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, readDelivery } from '@postrider/core';
import { DELIVERY_HEADER } from '@postrider/kafka';
import { createFakeClock } from '@postrider/kafka/testing';
import { liveBytes } from '../../../test/bench/live-bytes.ts';
import { deliveryRecord, tenant } from '../testing/test-records.ts';
import { createByteMeter } from './byte-meter.ts';
import { createIntakeLedger } from './intake-ledger.ts';
import { createIntake, type IntakeOptions } from './intake.ts';
import { createLane, takeArrival } from './lane.ts';
import { createOrdering } from './ordering.ts';
import { createRecentKeys } from './recent-keys.ts';
import { RowIndex } from './row-index.ts';
import { createSlices } from './slices.ts';
import { createUnsettled } from './unsettled.ts';
import { createMemoryStore } from './waiting-store.ts';
import type { Result } from './result-record.ts';
import { createWorkTable, type WorkTableOptions } from './work-table.ts';

const ANSWER_BYTES = 1_024 * 1_024;

/** As a broker's answer brings them: parts of one memory, in which much else stands. */
function inOneAnswer(value: Buffer, headers: Readonly<Record<string, unknown>>) {
  const header = headers[DELIVERY_HEADER] as Buffer;
  const answer = Buffer.concat([value, header, Buffer.alloc(ANSWER_BYTES)]);
  const end = value.length + header.length;
  return {
    value: answer.subarray(0, value.length),
    headers: { ...headers, [DELIVERY_HEADER]: answer.subarray(value.length, end) },
  };
}

function setUp() {
  const clock = createFakeClock();
  const ledger = createIntakeLedger(undefined);
  const slices = createSlices(clock);
  const rows = new RowIndex();
  const recent = createRecentKeys({ keysMax: 100, ageMs: 60_000 });
  const meters = { meter: createByteMeter(), bulkMeter: createByteMeter() };
  const ordering = createOrdering({ start: 0, rows, slices, wakeArrival: () => undefined, wakeRow: () => undefined });
  const room = { full: false, bulkFull: false };
  let starts = false;
  const table = createWorkTable({
    ...{ clock, ledger, slices, unsettled: createUnsettled(), ordering, recent, rows, ...meters },
    ...{ store: createMemoryStore(), reign: { draining: false, first: true, over: null } },
    writeResult: (_result: Result, acked: () => void) => acked(),
    scheduler: { ready: () => (starts ? start() : undefined), written: () => undefined },
    book: { rowsElsewhere: () => [], known: () => undefined },
  } as unknown as WorkTableOptions);
  const lane = createLane({ mayStart: () => true, start: () => true, takeDue: () => undefined }, 'ep_shop', tenant);
  lane.gate = { kind: 'open' };
  const intake = createIntake({
    ...{ clock, ledger, table, ordering, recent, ...meters, rowBound: room, stores: room },
    ...{ feed: { seek: () => undefined, hold: () => undefined }, lanes: { of: () => lane } },
    ...{ reach: { isFailing: () => false }, usable: readDelivery },
  } as unknown as IntakeOptions);
  function start() {
    const work = takeArrival(lane);
    if (work !== undefined) table.takeOff(work);
    return work;
  }
  function read(offset: number, body = '{}') {
    const { key, value, headers } = deliveryRecord(`order-${offset}`, 'shop', clock.now(), body, {});
    const record = { topic: 't', partition: 0, offset, timestamp: clock.now(), key, ...inOneAnswer(value, headers) };
    intake.read('deliveries', {
      topic: 't',
      partition: 0,
      records: [record],
      nextOffset: offset + 1,
      highWatermark: 9,
    });
    return [...table.works.values()].at(-1);
  }
  return { table, ledger, read, start, startAtOnce: () => void (starts = true) };
}

test('what waits in memory is its bytes, without what was decoded of them; what starts at once is not decoded again', () => {
  const { read, start, startAtOnce } = setUp();
  const waiting = read(0);
  assert.deepEqual([waiting?.state, waiting?.view, waiting?.delivery?.body.toString()], ['idle', null, '{}']);
  assert.equal(start(), waiting);
  startAtOnce();
  const started = read(1);
  assert.deepEqual([started?.state, started?.view?.header], ['flying', started?.delivery?.header]);
});

test('what has ended names neither its bytes nor what was decoded of them', () => {
  const { table, read, startAtOnce } = setUp();
  startAtOnce();
  const work = read(0);
  assert.ok(work?.view && work.delivery);
  table.finish(work, [{ record: null, smaller: null } as unknown as Result], 'delivered');
  assert.deepEqual([work.view, work.delivery], [null, null]);
});

test('what has waited and has ended is not kept', async () => {
  const { table, ledger, read, start } = setUp();
  read(0);
  table.tick();
  // In a function of its own, so that nothing of it stands on the stack.
  const end = () => {
    const work = start();
    assert.ok(work?.delivery);
    const kept = new WeakRef(work.delivery);
    table.finish(work, [{ record: null, smaller: null } as unknown as Result], 'delivered');
    return kept;
  };
  const kept = end();
  assert.equal(ledger.range('deliveries').watermark, 1);
  await liveBytes();
  assert.equal(kept.deref(), undefined);
});

test('a large body has memory of its own as soon as it is read, and a small one is not copied', () => {
  const { read } = setUp();
  const [large, small] = [limits.largeBodyBytes, limits.largeBodyBytes - 1].map((bytes, offset) => {
    const { header, body } = read(offset, 'b'.repeat(bytes))?.delivery ?? assert.fail();
    assert.deepEqual([body.equals(Buffer.alloc(bytes, 'b')), header.buffer === body.buffer], [true, true]);
    return body.buffer.byteLength - body.length - header.length;
  });
  assert.deepEqual([large, small], [0, ANSWER_BYTES]);
});
