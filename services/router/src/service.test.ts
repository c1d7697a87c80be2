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

/** The same with so many endpoints more that ask for `wide`. */
function configuredFor(endpoints: number): Harness {
  const harness = configured();
  for (let i = 0; i < endpoints; i += 1) {
    harness.endpoint('acme', `w${i}`);
    harness.subscription('acme', `w${i}`, `w${i}`, 'wide');
  }
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
  const harness = configuredFor(500);
  const router = await harness.startRouter('r1', { POSTRIDER_ROUTER_OUTSTANDING_MAX: '50' });
  for (let i = 0; i < 3; i += 1) harness.publish(`e${i}`, { type: 'wide' });
  await harness.clock.advance(30_000);
  assert.equal(harness.deliveries().length, 3 * 501);
  assert.equal(harness.committed(), 3);
  await harness.dispose(router);
});

test('a router that is stopped in the middle of a wide event writes it to its end, and the next one has nothing to repeat', async () => {
  const endpoints = 1_000;
  const harness = configuredFor(endpoints);
  const router = await harness.startRouter('r1');
  harness.publish('e1', { type: 'wide' });
  await harness.clock.advanceUntil(() => harness.deliveries().length > 0, 'the first of them is written');
  const first = harness.deliveries().length;
  assert.ok(first < endpoints, `${first} are written, and it is stopped in the middle`);
  await harness.dispose(router);
  assert.equal(harness.committed(), 1);
  const next = await harness.startRouter('r2');
  await harness.clock.advance(5_000);
  assert.equal(
    new Set(harness.deliveries().map(({ delivery }) => delivery.deliveryId)).size,
    harness.deliveries().length,
  );
  await harness.dispose(next);
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

test('a record with a time that no date can hold is delivered like any other, and the next one flows', async () => {
  const harness = configured();
  const router = await harness.startRouter('r1');
  // Nanoseconds, as some producers take a timestamp to be.
  harness.publish('e1', { timestamp: 1.7e18 });
  harness.publish('bad', { timestamp: 1.7e18, drop: 'ce_id' });
  harness.publish('e2');
  await harness.clock.advance(3_000);
  assert.equal(harness.deliveries().length, 4);
  assert.equal(harness.quarantined().length, 1);
  assert.equal(harness.committed(), 3);
  await harness.dispose(router);
});

test('while Kafka refuses what is written, no more is read than the bounds allow, and all of it is written later', async () => {
  const harness = configured();
  const router = await harness.startRouter('r1', { POSTRIDER_ROUTER_OUTSTANDING_MAX: '20' });
  const topicAuthorizationFailed = 29;
  const refused = new Set<string>();
  const stop = harness.kafka.onProduce(({ topic, records }) => {
    if (topic !== 'postrider.deliveries') return undefined;
    for (const { value } of records) refused.add(String(value));
    return { kind: 'refuse', errorCode: topicAuthorizationFailed };
  });
  for (let i = 0; i < 500; i += 1) harness.publish(`e${i}`);
  await harness.clock.advance(20_000);
  assert.ok(refused.size <= 20, `${refused.size} events are being written`);
  stop();
  await harness.clock.advance(120_000);
  assert.equal(harness.deliveries().length, 1_000);
  assert.equal(harness.committed(), 500);
  await harness.dispose(router);
});

test('a source that was cut off and written anew is committed where it is now: a killed router leaves nothing out', async () => {
  const harness = configured();
  const first = await harness.startRouter('r1');
  for (let i = 0; i < 100; i += 1) harness.publish(`a${i}`);
  await harness.clock.advance(3_000);
  assert.equal(harness.committed(), 100);
  harness.kafka.truncate('postrider.events', 0, 0);
  await harness.clock.advance(2_000);
  for (let i = 0; i < 50; i += 1) harness.publish(`b${i}`);
  await harness.clock.advance(3_000);
  assert.equal(harness.committed(), 50);
  first.port.kill();
  for (let i = 50; i < 150; i += 1) harness.publish(`b${i}`);
  const second = await harness.startRouter('r2');
  await harness.clock.advance(30_000);
  assert.equal(new Set(harness.deliveries().map(({ delivery }) => delivery.deliveryId)).size, 2 * 250);
  await harness.dispose(second);
});

test('a router that stops while a commit is on its way waits for it, and commits nothing afterwards', async () => {
  const harness = configured();
  const gate = Promise.withResolvers<void>();
  const commits = { begun: 0, open: 0, most: 0 };
  const connect = harness.kafka.connect.bind(harness.kafka);
  harness.kafka.connect = (clientId) => {
    const port = connect(clientId);
    const join = port.groupMember.bind(port);
    port.groupMember = async (options) => {
      const member = await join(options);
      const commit = member.commit.bind(member);
      member.commit = async (offsets) => {
        commits.begun += 1;
        commits.most = Math.max(commits.most, (commits.open += 1));
        await gate.promise;
        await commit(offsets).finally(() => (commits.open -= 1));
      };
      return member;
    };
    return port;
  };
  const router = await harness.startRouter('r1');
  harness.publish('e1');
  await harness.clock.advanceUntil(() => commits.open === 1, 'a commit on its way');
  let stopped = false;
  const stopping = router[Symbol.asyncDispose]().then(() => (stopped = true));
  await harness.clock.advance(500);
  gate.resolve();
  await harness.clock.advanceUntil(() => stopped, 'the router has stopped');
  await stopping;
  const { begun } = commits;
  await harness.clock.advance(60_000);
  assert.equal(harness.committed(), 1);
  assert.deepEqual(commits, { begun, open: 0, most: 1 });
});

test('an event that is put aside because it is too large says that its value is not there', async () => {
  const harness = configured();
  const router = await harness.startRouter('r1');
  const messageTooLarge = 10;
  harness.kafka.onProduce(({ records }) =>
    records.some(({ value }) => (value?.length ?? 0) > 0) ? { kind: 'refuse', errorCode: messageTooLarge } : undefined,
  );
  harness.publish('e1', { drop: 'ce_id' });
  await harness.clock.advance(3_000);
  assert.deepEqual(
    harness.quarantined().map(({ valueDropped, record }) => [valueDropped, record.value?.length]),
    [[true, 0]],
  );
  await harness.dispose(router);
});

test('a quarantine that takes nothing at all is asked again at a calm pace', async () => {
  const harness = configured();
  const router = await harness.startRouter('r1');
  const messageTooLarge = 10;
  let asked = 0;
  const stop = harness.kafka.onProduce(({ topic }) => {
    if (topic !== 'postrider.quarantine') return undefined;
    asked += 1;
    return { kind: 'refuse', errorCode: messageTooLarge };
  });
  harness.publish('e1', { drop: 'ce_id' });
  await harness.clock.advance(5_000);
  assert.ok(asked <= 10, `asked ${asked} times`);
  stop();
  await harness.clock.advance(3_000);
  assert.equal(harness.committed(), 1);
  await harness.dispose(router);
});
