import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveBytes } from '../../../test/bench/live-bytes.ts';
import { partitionQueue, settled, type PartitionQueue, type Pending } from './partition-queue.ts';

const pending = (bytes: number): Pending => ({
  record: { topic: 't', partition: 0, key: null, value: null },
  bytes,
  done: () => undefined,
  settled: false,
});

/** Pushes that many and claims them; in a function of its own, so that nothing of them stands on the stack. */
function claimed(queue: PartitionQueue, count: number): WeakRef<Pending>[] {
  const items = Array.from({ length: count }, () => pending(1));
  for (const item of items) queue.push(item);
  queue.claim(count, count, true);
  return items.map((item) => new WeakRef(item));
}

test('what is released is not kept, though more waits behind it', async () => {
  const queue = partitionQueue('t', 0);
  const kept = claimed(queue, 3);
  const last = pending(1);
  queue.push(last);
  queue.release(2);
  await liveBytes();
  assert.deepEqual(
    kept.map((item) => item.deref() !== undefined),
    [false, false, true],
  );
  assert.deepEqual([queue.size, [...queue.waiting()].at(-1)], [2, last]);
});

test('what is settled behind the released ones leaves with them; what is claimed next begins where they end', () => {
  const queue = partitionQueue('t', 0);
  const items = [1, 2, 3, 4].map(pending);
  for (const item of items) queue.push(item);
  queue.claim(4, 3, false);
  assert.deepEqual(queue.claimedItems(), items.slice(0, 2));
  for (const item of items.slice(0, 3)) item.settled = true;
  queue.release(1);
  queue.claim(4, 10, false);
  assert.deepEqual(queue.claimedItems(), items.slice(3));
  queue.release(1);
  assert.equal(queue.size, 0);
});

test('what is settled names neither its record nor whom to tell, even before it is released', () => {
  const item = pending(1);
  const { done, record } = item;
  assert.equal(settled(item), done);
  assert.equal(item.settled, true);
  assert.notEqual(item.record, record);
  assert.notEqual(item.done, done);
});
