/** One delivery in a table whose tier writes are acknowledged when the test says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { createFakeClock } from '@postrider/kafka/testing';
import { deliveryRecord, tenant } from '../testing/test-records.ts';
import { createByteMeter } from './byte-meter.ts';
import { createIntakeLedger } from './intake-ledger.ts';
import { waitFor } from './intake.ts';
import { createLane } from './lane.ts';
import { createOrdering } from './ordering.ts';
import { NO_ROW, RowIndex } from './row-index.ts';
import { createSlices } from './slices.ts';
import { createUnsettled } from './unsettled.ts';
import { createMemoryStore } from './waiting-store.ts';
import { createWorkTable, type WorkTableOptions } from './work-table.ts';
import type { Work } from './work.ts';

const idleOwner = { mayStart: () => true, start: () => true, takeDue: () => undefined };

test('a repeat that is read between a guard row and the row after the attempt is done with the latter', () => {
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
  const at = { bulk: false, offset: 0 };
  ledger.range('deliveries').take(0);
  const work: Work = {
    ...{ key: 'dlv_1', lane: createLane(idleOwner, 'ep_shop', tenant) },
    ...{ view: null, origin: at, open: [at], state: 'idle', order: null, queuedIn: null, row: NO_ROW, tier: null },
    delivery: { header: record.headers['postrider-delivery'] as Buffer, body: record.value },
    ...{ dueAt: 0, expiresAt: clock.now() + 600_000, bytes: 2, readyAt: 0 },
  };
  table.arrive(work);
  table.takeOff(work);
  table.guard(work, waitFor(WaitReason.GUARD, clock.now() + 40_000, clock.now()));
  table.put(work, waitFor(WaitReason.RETRY, clock.now() + 300_000, clock.now()));
  acks[0]?.();
  assert.equal(ledger.range('deliveries').watermark, 1);
  ledger.range('deliveries').take(1);
  table.takeAgain('dlv_1', { bulk: false, offset: 1 });
  assert.equal(ledger.range('deliveries').watermark, 1);
  acks[1]?.();
  assert.equal(ledger.range('deliveries').watermark, 2);
});
