import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { mendRequestQueueTimer } from './request-queue-timer.ts';

const require = createRequire(import.meta.url);
const path = require.resolve('kafkajs/src/network/requestQueue/index.js');

interface Queue {
  readonly pending: unknown[];
  readonly throttleCheckTimeoutId: NodeJS.Timeout | null;
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
  destroy(): void;
}
type QueueClass = new (options: object) => Queue;

/** The class as it comes, whatever was mended elsewhere in this process. */
function stockQueue(): QueueClass {
  const mended = require.cache[path];
  delete require.cache[path];
  try {
    return require(path) as QueueClass;
  } finally {
    if (mended === undefined) delete require.cache[path];
    else require.cache[path] = mended;
  }
}

const logger = { debug: () => undefined };
const options = { maxInFlightRequests: 1, requestTimeout: 1_000, clientId: 'c', broker: 'b', logger };

test('stock: a timer is armed although nothing waits; mended: none is', () => {
  const Stock = stockQueue();
  mendRequestQueueTimer();
  const Mended = require(path) as QueueClass;
  assert.notEqual(Stock, Mended);
  const armed = [Stock, Mended].map((Class) => {
    const queue = new Class(options);
    queue.scheduleCheckPendingRequests();
    const timer = queue.throttleCheckTimeoutId;
    queue.destroy();
    return timer !== null;
  });
  assert.deepEqual(armed, [true, false]);
});

test('a request that waits for a throttle to end still gets its timer, once', () => {
  mendRequestQueueTimer();
  mendRequestQueueTimer();
  const queue = new (require(path) as QueueClass)(options);
  queue.pending.push({});
  queue.throttledUntil = Date.now() + 60_000;
  queue.scheduleCheckPendingRequests();
  const timer = queue.throttleCheckTimeoutId;
  assert.ok(timer !== null);
  queue.scheduleCheckPendingRequests();
  assert.equal(queue.throttleCheckTimeoutId, timer);
  queue.destroy();
});
