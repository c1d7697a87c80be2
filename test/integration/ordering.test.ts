/**
 * Endpoints that ask for order, on a real Kafka, while the dispatcher and the router are killed in the middle of their work.
 * Observed: what the receivers took, each delivery the first time.
 */
// test-timeout: 180 s
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import { webhookId } from '@postrider/core';
import type { LocalKafka } from '../../deploy/local/index.ts';
import { createCustomers, plainType, type CustomerPlan } from '../support/customers.ts';
import { startKafka } from '../support/kafka.ts';
import { eventRecord, numberedEvent } from '../support/publish-events.ts';
import type { Receipt } from '../support/receipt.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const tenant = 'ordered';
const count = 210;
const keys = 7;
const retries = {
  retryPolicy: {
    schedule: { $case: 'delays' as const, value: { delays: Array(5).fill({ seconds: 0n, nanos: 20_000_000 }) } },
  },
};
const plan = (path: string, mode: OrderingMode, key = '', failFirst = 0): CustomerPlan => ({
  path,
  behaviour: { kind: 'answer', status: 200, failFirst },
  endpoint: { ordering: { mode, key }, ...retries },
  ...{ eventTypes: [plainType], ending: 'delivered', attempts: 1 },
});
const plans = [
  plan('whole', OrderingMode.ENDPOINT),
  plan('whole-flaky', OrderingMode.ENDPOINT, '', 1),
  plan('keyed', OrderingMode.KEY, 'data.lines.0'),
  plan('keyed-flaky', OrderingMode.KEY, 'data.lines.0', 1),
];

let kafka: LocalKafka;
before(async () => {
  kafka = await startKafka({ brokers: 1 });
});
after(() => kafka[Symbol.asyncDispose]());

/** All in one partition: order is what that partition says. */
async function publishInOrder(stack: Stack): Promise<void> {
  await using producer = stack.kafka.producer({ name: 'publisher' });
  const topic = stack.topic('events');
  const events = Array.from({ length: count }, (_, number) => numberedEvent(tenant, plainType, number));
  await Promise.all(events.map((event) => producer.send(eventRecord(topic, 0, event))));
}

const numberOf = new Map(
  Array.from({ length: count }, (_, n) => [webhookId(tenant, '/test/orders', `order-${n}`), n] as const),
);

/** The numbers of the events that a path took, in the order in which it first did. */
function taken(receipts: readonly Receipt[], path: string): number[] {
  const seen = new Set<number>();
  for (const receipt of receipts) {
    if (receipt.path === path && receipt.status === 200) seen.add(numberOf.get(receipt.webhookId) ?? -1);
  }
  return [...seen];
}

const takenInAll = async (receiver: Receiver): Promise<number> => {
  const receipts = await receiver.receipts();
  return plans.reduce((sum, { path }) => sum + taken(receipts, path).length, 0);
};

test('through kills of dispatcher and router no first success comes after that of a later event of its order', async () => {
  await using receiver = await startReceiver();
  await using stack = await startStack({ kafka, partitions: 4 });
  await createCustomers(stack, receiver, tenant, plans);
  const all = count * plans.length;
  const reached = (share: number) =>
    waitFor(async () => (await takenInAll(receiver)) >= all * share, { what: `${share} of all`, timeoutMs: 60_000 });
  await publishInOrder(stack);
  await reached(0.2);
  await stack.router.kill('SIGKILL');
  await stack.dispatcher.kill('SIGKILL');
  assert.ok((await takenInAll(receiver)) < all, 'killed in the middle');
  stack.router.restart();
  stack.dispatcher.restart();
  await reached(0.6);
  await stack.dispatcher.kill('SIGKILL');
  stack.dispatcher.restart();
  await reached(1);
  const receipts = await receiver.receipts();
  for (const { signature } of receipts) assert.equal(signature, 'valid');
  const ascending = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);
  for (const path of ['whole', 'whole-flaky']) {
    const numbers = taken(receipts, path);
    assert.deepEqual(numbers, ascending(numbers), path);
  }
  for (const path of ['keyed', 'keyed-flaky']) {
    for (let key = 0; key < keys; key += 1) {
      const numbers = taken(receipts, path).filter((n) => n % keys === key);
      assert.equal(numbers.length, count / keys);
      assert.deepEqual(numbers, ascending(numbers), `${path}, key ${key}`);
    }
  }
});
