/** One delivery in a table whose tier writes are acknowledged when the test says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { createFakeClock } from '@postrider/kafka/testing';
import { deliveryRecord, tenant } from '../testing/test-records.ts';
import { createByteMeter } from './byte-meter.ts';
import { createIntakeLedger } from './intake-ledger.ts';
import { waitFor } from './intake.ts';
import { createLane, enqueue } from './lane.ts';
import { createOrdering } from './ordering.ts';
import { NO_ROW, RowIndex } from './row-index.ts';
import { createSlices } from './slices.ts';
import { createUnsettled } from './unsettled.ts';
import { createMemoryStore } from './waiting-store.ts';
import { createWorkTable, type WorkTableOptions } from './work-table.ts';
import type { Work } from './work.ts';

const idleOwner = { mayStart: () => true, start: () => true, takeDue: () => undefined };

/** A table, and its tier writes that wait for their acknowledgements. */
function tableOf() {
  const clock = createFakeClock();
  const ledger = createIntakeLedger(undefined);
  const acks: (() => void)[] = [];
  const slices = createSlices(clock);
  const rows = new RowIndex();
  const table = createWorkTable({
    ...{ clock, ledger, slices, unsettled: createUnsettled(), meter: createByteMeter(), bulkMeter: createByteMeter() },
    ...{ store: createMemoryStore(), rows },
    ordering: createOrdering({ start: 0, rows, slices, wakeArrival: () => undefined, wakeRow: () => undefined }),
    reign: { draining: false, epoch: 1 },
    book: {
      write: (...[, , , acked]: Parameters<WorkTableOptions['book']['write']>) =>
        void acks.push(acked ?? (() => undefined)),
      rowsElsewhere: () => [],
      known: () => undefined,
    },
  } as unknown as WorkTableOptions);
  const record = deliveryRecord('order-1', 'shop', clock.now(), '{}', {});
  const delivery = { header: record.headers['postrider-delivery'] as Buffer, body: record.value };
  const lane = createLane(idleOwner, 'ep_shop', tenant);
  /** A delivery that was read. */
  const read = (offset: number): Work => {
    const at = { bulk: false, offset };
    ledger.range('deliveries').take(offset);
    return {
      ...{ key: `dlv_${offset}`, lane, delivery },
      ...{ view: null, origin: at, open: [at], state: 'idle', order: null, queuedIn: null, row: NO_ROW, tier: null },
      ...{
        dueAt: 0,
        expiresAt: clock.now() + 600_000,
        readyAt: 0,
        bytes: delivery.header.length + delivery.body.length,
      },
    };
  };
  return { clock, ledger, acks, lane, table, read };
}

test('a repeat that is read between a guard row and the row after the attempt is done with the latter', () => {
  const { clock, ledger, acks, table, read } = tableOf();
  const work = read(1);
  table.arrive(work);
  table.takeOff(work);
  table.guard(work, waitFor(WaitReason.GUARD, clock.now() + 40_000, clock.now()));
  table.put(work, waitFor(WaitReason.RETRY, clock.now() + 300_000, clock.now()));
  acks[0]?.();
  assert.equal(ledger.range('deliveries').watermark, 2);
  ledger.range('deliveries').take(2);
  table.takeAgain('dlv_1', { bulk: false, offset: 2 });
  assert.equal(ledger.range('deliveries').watermark, 2);
  acks[1]?.();
  assert.equal(ledger.range('deliveries').watermark, 3);
});

test('a queue from which a delivery is put counts no byte of it, though its header has become another', () => {
  const { clock, lane, table, read } = tableOf();
  const [put, stays] = [read(1), read(2)];
  for (const work of [put, stays]) {
    table.arrive(work);
    enqueue(lane, work, 'arrivals');
  }
  const before = put.bytes;
  table.put(put, waitFor(WaitReason.RETRY, clock.now() + 300_000, clock.now()));
  assert.notEqual(put.bytes, before, 'the row is to be of another length, or nothing is shown');
  assert.deepEqual([lane.queuedBytes, lane.queuedArrivals], [stays.bytes, 1]);
});
