import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuarantineReason } from '@postrider/contract/postrider/v1/dead_letter';
import { EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { deliveryId, partitionOf, webhookId } from '@postrider/core';
import { createHarness, partitions, type Harness } from '../testing/harness.ts';

const loseRequest = { kind: 'lose-request' } as const;
/** MESSAGE_TOO_LARGE of the protocol. */
const tooLarge = { kind: 'refuse', errorCode: 10 } as const;

/** Tenant acme with endpoints one (order.*) and two (order.paid and, once more, everything). */
function configured(): Harness {
  const harness = createHarness();
  harness.layout();
  harness.tenant('acme');
  harness.endpoint('acme', 'one');
  harness.endpoint('acme', 'two');
  harness.subscription('acme', 'one', 'a', 'order.*');
  harness.subscription('acme', 'two', 'b', 'order.paid');
  harness.subscription('acme', 'two', 'c', '*');
  return harness;
}

test('an event becomes one delivery per endpoint, at the endpoint’s partition, its body untouched', async () => {
  const harness = configured();
  const offset = harness.publish('e1', { body: '{ "n": 1.0, "n": 2 }' });
  const router = await harness.startRouter('r1');
  await harness.clock.advanceUntil(() => harness.deliveries().length === 2, 'two deliveries');
  const webhook = webhookId('acme', '/test', 'e1');
  for (const { record, delivery } of harness.deliveries()) {
    assert.equal(record.value?.toString(), '{ "n": 1.0, "n": 2 }');
    assert.equal(record.partition, partitionOf(delivery.endpointId, partitions));
    assert.equal(record.key?.toString(), delivery.endpointId);
    assert.equal(delivery.webhookId, webhook);
    assert.equal(delivery.deliveryId, deliveryId(webhook, delivery.endpointId));
    assert.equal(delivery.source?.offset, BigInt(offset));
    assert.equal(delivery.attempt, 0);
    assert.ok(delivery.expiresAt !== undefined && delivery.firstSeen !== undefined);
    assert.ok(delivery.expiresAt.getTime() - delivery.firstSeen.getTime() >= 72 * 3_600_000);
  }
  const two = harness.deliveries().find(({ delivery }) => delivery.endpointId === 'ep_two');
  assert.deepEqual(two?.delivery.subscriptionIds.toSorted(), ['sub_b', 'sub_c']);
  await harness.clock.advance(1_500);
  assert.equal(harness.committed(), 1);
  await harness.dispose(router);
});

test('what cannot be read, and what no tenant owns, is quarantined with its reason, and the next event flows', async () => {
  const harness = configured();
  const router = await harness.startRouter('r1');
  harness.publish('bad', { drop: 'ce_id' });
  harness.publish('stranger', { tenant: 'nobody' });
  harness.publish('ownerless', { drop: 'ce_tenant' });
  harness.publish('good');
  await harness.clock.advance(1_000);
  assert.deepEqual(
    harness.quarantined().map(({ reason, field, record }) => [reason, field, record.value?.toString()]),
    [
      [QuarantineReason.ATTRIBUTE_MISSING, 'ce_id', '{"id":"bad"}'],
      [QuarantineReason.TENANT_UNKNOWN, 'tenant', '{"id":"stranger"}'],
      [QuarantineReason.TENANT_UNKNOWN, 'postrider-tenant', '{"id":"ownerless"}'],
    ],
  );
  assert.equal(harness.deliveries().length, 2);
  await harness.clock.advance(1_000);
  assert.equal(harness.committed(), 4);
  await harness.dispose(router);
});

test('a disabled endpoint and a paused subscription are not matched; a tombstone is nothing', async () => {
  const harness = configured();
  harness.endpoint('acme', 'one', { state: EndpointState.DISABLED });
  harness.kafka.append('postrider.events', 0, { key: Buffer.from('k'), value: null });
  harness.publish('e1');
  const router = await harness.startRouter('r1');
  await harness.clock.advance(2_000);
  assert.deepEqual(
    harness.deliveries().map(({ delivery }) => delivery.endpointId),
    ['ep_two'],
  );
  assert.equal(harness.quarantined().length, 0);
  assert.equal(harness.committed(), 2);
  await harness.dispose(router);
});

test('a subscription made while the router runs counts for the next event', async () => {
  const harness = configured();
  const router = await harness.startRouter('r1');
  harness.endpoint('acme', 'three');
  harness.subscription('acme', 'three', 'd', 'user.created');
  await harness.clock.advance(500);
  harness.publish('e1', { type: 'user.created' });
  await harness.clock.advance(500);
  assert.deepEqual(
    harness
      .deliveries()
      .map(({ delivery }) => delivery.endpointId)
      .toSorted(),
    ['ep_three', 'ep_two'],
  );
  await harness.dispose(router);
});

test('an offset is committed only after every delivery of its event is acknowledged', async () => {
  const harness = configured();
  const router = await harness.startRouter('r1');
  const stop = harness.kafka.onProduce((attempt) =>
    attempt.topic === 'postrider.deliveries' ? loseRequest : undefined,
  );
  harness.publish('e1');
  await harness.clock.advance(10_000);
  assert.equal(harness.committed() ?? 0, 0);
  stop();
  await harness.clock.advance(60_000);
  assert.ok(harness.deliveries().length >= 2);
  assert.equal(harness.committed(), 1);
  await harness.dispose(router);
});

test('a router that is killed loses nothing; the next one repeats with the same ids', async () => {
  const harness = configured();
  const killed = await harness.startRouter('r1');
  for (let i = 0; i < 200; i += 1) harness.publish(`e${i}`, { partition: i % partitions });
  await harness.clock.advanceUntil(() => harness.deliveries().length > 100, 'half of the deliveries');
  killed.port.kill();
  const next = await harness.startRouter('r2');
  await harness.clock.advance(30_000);
  const ids = new Set(harness.deliveries().map(({ delivery }) => delivery.deliveryId));
  assert.equal(ids.size, 400);
  const total = [0, 1, 2, 3].reduce((sum, partition) => sum + (harness.committed(partition) ?? 0), 0);
  assert.equal(total, 200);
  await harness.dispose(next);
});

test('a router that is stopped in good order leaves nothing to repeat', async () => {
  const harness = configured();
  const first = await harness.startRouter('r1');
  for (let i = 0; i < 200; i += 1) harness.publish(`e${i}`, { partition: i % partitions });
  await harness.clock.advanceUntil(() => harness.deliveries().length > 50, 'some deliveries');
  await harness.dispose(first);
  const second = await harness.startRouter('r2');
  await harness.clock.advance(30_000);
  assert.equal(harness.deliveries().length, 400);
  await harness.dispose(second);
});

test('deliveries of one source partition are written in source order, also through lost answers', async () => {
  const harness = configured();
  const router = await harness.startRouter('r1');
  for (let i = 0; i < 300; i += 1) harness.publish(`e${i}`);
  let n = 0;
  const stop = harness.kafka.onProduce(() => (n++ % 5 === 4 ? loseRequest : undefined));
  await harness.clock.advance(5_000);
  stop();
  await harness.clock.advance(120_000);
  const offsets = harness
    .deliveries()
    .filter(({ delivery }) => delivery.endpointId === 'ep_one')
    .map(({ delivery }) => Number(delivery.source?.offset));
  const firsts = offsets.filter((offset, i) => offsets.indexOf(offset) === i);
  assert.deepEqual(
    firsts,
    firsts.toSorted((a, b) => a - b),
  );
  assert.equal(firsts.length, 300);
  await harness.dispose(router);
});

test('a wide fan-out stays within the bounds of what is unacknowledged', async () => {
  const harness = configured();
  for (let i = 0; i < 500; i += 1) {
    harness.endpoint('acme', `w${i}`);
    harness.subscription('acme', `w${i}`, `w${i}`, 'wide');
  }
  const router = await harness.startRouter('r1', { POSTRIDER_ROUTER_OUTSTANDING_MAX: '50' });
  for (let i = 0; i < 3; i += 1) harness.publish(`e${i}`, { type: 'wide' });
  await harness.clock.advance(30_000);
  assert.equal(harness.deliveries().length, 3 * 501);
  assert.equal(harness.committed(), 3);
  await harness.dispose(router);
});

test('Kafka goes away in the middle and comes back: the router goes on by itself', async () => {
  const harness = configured();
  const router = await harness.startRouter('r1');
  for (let i = 0; i < 50; i += 1) harness.publish(`a${i}`);
  harness.kafka.brokerDown();
  await harness.clock.advance(30_000);
  harness.kafka.brokerUp();
  for (let i = 0; i < 50; i += 1) harness.publish(`b${i}`);
  await harness.clock.advance(60_000);
  assert.equal(new Set(harness.deliveries().map(({ delivery }) => delivery.deliveryId)).size, 200);
  assert.equal(harness.committed(), 100);
  await harness.dispose(router);
});

test('an endpoint whose record only a newer version can read gets its deliveries all the same', async () => {
  const harness = configured();
  harness.unreadableEndpoint('four');
  harness.subscription('acme', 'four', 'd', 'order.paid');
  harness.publish('e1');
  const router = await harness.startRouter('r1');
  await harness.clock.advance(2_000);
  assert.deepEqual(
    harness
      .deliveries()
      .map(({ delivery }) => delivery.endpointId)
      .toSorted(),
    ['ep_four', 'ep_one', 'ep_two'],
  );
  await harness.dispose(router);
});

test('a body that Kafka does not take is quarantined without it, and the next event flows', async () => {
  const harness = configured();
  const router = await harness.startRouter('r1');
  harness.kafka.onProduce((attempt) => (attempt.topic === 'postrider.deliveries' ? tooLarge : undefined));
  harness.publish('e1');
  await harness.clock.advance(2_000);
  assert.equal(harness.deliveries().length, 0);
  const [quarantined] = harness.quarantined();
  assert.equal(quarantined?.reason, QuarantineReason.TOO_LARGE);
  assert.equal(harness.committed(), 1);
  await harness.dispose(router);
});
