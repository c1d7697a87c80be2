import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import { orderingKeyHash } from '@postrider/core';
import { createHarness, type Harness } from '../testing/harness.ts';

const topicAuthorizationFailed = 29;
const byCustomer = { mode: OrderingMode.KEY, key: 'data.customer' } as const;

/** Tenant acme whose endpoints all want everything. */
function configured(...endpoints: (readonly [id: string, ordering?: { mode: OrderingMode; key?: string }])[]): Harness {
  const harness = createHarness();
  harness.layout();
  harness.tenant('acme');
  for (const [id, ordering] of endpoints) {
    harness.endpoint('acme', id, ordering === undefined ? {} : { ordering: orderingFields(ordering) });
    harness.subscription('acme', id, id, '*');
  }
  return harness;
}

const orderingFields = ({ mode, key = '' }: { mode: OrderingMode; key?: string }) => ({
  ...{ mode, key },
  onExhausted: 'ON_EXHAUSTED_UNSPECIFIED' as const,
});

const orderingsOf = (harness: Harness, endpoint: string) =>
  harness
    .deliveries()
    .filter(({ delivery }) => delivery.endpointId === `ep_${endpoint}`)
    .map(({ delivery: { ordering } }) => (ordering === undefined ? null : [ordering.mode, ordering.keyHash]));

test('a delivery says which order it stands in, by the mode in force when it was routed', async () => {
  const harness = configured(['free'], ['whole', { mode: OrderingMode.ENDPOINT }], ['keyed', byCustomer]);
  const router = await harness.startRouter('r1');
  harness.publish('e1', { body: '{"customer":"c-1"}' });
  harness.publish('e2', { body: '{"customer":null}' });
  await harness.clock.advanceUntil(() => harness.deliveries().length === 6, 'six deliveries');
  harness.endpoint('acme', 'keyed', { ordering: orderingFields({ mode: OrderingMode.NONE }) });
  await harness.clock.advance(500);
  harness.publish('e3', { body: '{"customer":"c-1"}' });
  await harness.clock.advanceUntil(() => harness.deliveries().length === 9, 'nine deliveries');
  assert.deepEqual(orderingsOf(harness, 'free'), [null, null, null]);
  const { ENDPOINT, KEY } = OrderingMode;
  assert.deepEqual(
    orderingsOf(harness, 'whole'),
    [1, 2, 3].fill(0).map(() => [ENDPOINT, 0n]),
  );
  assert.deepEqual(orderingsOf(harness, 'keyed'), [[KEY, orderingKeyHash('c-1')], [KEY, orderingKeyHash('')], null]);
  await harness.dispose(router);
});

test('an endpoint that only a newer version can read is kept in the strictest order', async () => {
  const harness = configured();
  harness.unreadableEndpoint('newer');
  harness.subscription('acme', 'newer', 'newer', '*');
  const router = await harness.startRouter('r1');
  harness.publish('e1');
  await harness.clock.advanceUntil(() => harness.deliveries().length === 1, 'one delivery');
  assert.deepEqual(orderingsOf(harness, 'newer'), [[OrderingMode.ENDPOINT, 0n]]);
  await harness.dispose(router);
});

test('of a wide fan-out the endpoints that keep order are written first', async () => {
  const free = Array.from({ length: 30 }, (_, i) => [`free${i}`] as const);
  const harness = configured(...free, ['whole', { mode: OrderingMode.ENDPOINT }]);
  const written: string[] = [];
  harness.kafka.onProduce(({ topic, records }) => {
    if (topic === 'postrider.deliveries') written.push(...records.map(({ key }) => String(key)));
    return undefined;
  });
  const router = await harness.startRouter('r1', { POSTRIDER_ROUTER_OUTSTANDING_MAX: '10' });
  harness.publish('e1');
  await harness.clock.advanceUntil(() => harness.deliveries().length === 31, 'all deliveries');
  assert.ok(written.slice(0, 10).includes('ep_whole'), 'among the first that there was room for');
  await harness.dispose(router);
});

test('what Kafka refuses for a while is written before anything later of its endpoint, and holds up no other', async () => {
  const harness = configured(['whole', { mode: OrderingMode.ENDPOINT }], ['other', { mode: OrderingMode.ENDPOINT }]);
  const router = await harness.startRouter('r1');
  // One of the first records is refused time and again, alone or with what stands beside it in its batch.
  let refusals = 0;
  const stop = harness.kafka.onProduce(({ topic, records }) => {
    const third = records.some(({ key, value }) => String(key) === 'ep_whole' && String(value) === '{"id":"e3"}');
    if (topic !== 'postrider.deliveries' || !third) return undefined;
    refusals += 1;
    return { kind: 'refuse', errorCode: topicAuthorizationFailed };
  });
  for (let i = 0; i < 40; i += 1) {
    harness.publish(`e${i}`);
    await harness.clock.advance(100);
  }
  const count = (endpoint: string) => orderingsOf(harness, endpoint).length;
  assert.ok(refusals > 2 && count('whole') <= 3, `${refusals} refusals, ${count('whole')} written`);
  assert.equal(count('other'), 40);
  stop();
  await harness.clock.advanceUntil(() => count('whole') === 40, 'all are written');
  const offsets = harness
    .deliveries()
    .filter(({ delivery }) => delivery.endpointId === 'ep_whole')
    .map(({ delivery }) => Number(delivery.source?.offset));
  assert.deepEqual(offsets, [...offsets.keys()]);
  await harness.dispose(router);
});
