/**
 * Dispatchers whose session is in doubt: they stand still, hear nothing from Kafka, or wait with the group for a dead member.
 * On the fake Kafka and the fake clock, with sessions of 30 s. What may be observed: what endpoints received, what stands on
 * the topics, and what the log says of reigns.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coPartitionedTopics, topicName } from '@postrider/kafka';
import { createHarness } from '../testing/harness.ts';
import { allDone, assertEach, configure, publish } from '../testing/three-endpoints.ts';

type Harness = ReturnType<typeof createHarness>;

const told = (h: Harness, text: string) => h.log.lines.filter(({ message }) => message.includes(text));

test('a process that stands still for less than its session keeps its partition and repeats nothing', async () => {
  const h = createHarness();
  configure(h);
  publish(h, 60);
  const a = await h.start('a');
  await h.until(() => h.receipts.length >= 5, 'a sends');
  a.port.freeze();
  await h.clock.advance(26_000);
  a.port.thaw();
  await allDone(h, 60);
  assertEach(h, 60);
  assert.equal(told(h, 'partition.claimed').length, 1);
  await h.stop(a);
});

test('while nobody knows whether the session lives nothing starts; what ends meanwhile counts once it is known', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.endpointsAnswer(() => ({ afterMs: 25_500, status: 200 }));
  for (let i = 0; i < 40; i += 1) h.deliver(`order-${i}`, 'shop');
  const a = await h.start('a', { concurrencyStart: 16 });
  await h.until(() => h.receipts.length === 16, 'a lane full of requests is in flight');
  h.kafka.brokerDown();
  await h.clock.advance(26_500);
  // Their answers have come, and the lane has room.
  assert.equal(h.receipts.length, 16);
  assert.equal(h.attempts().length, 0);
  h.kafka.brokerUp();
  await h.until(() => h.watermark() === 40, 'all are done', 120_000);
  assert.equal(h.receipts.length, 40);
  assert.equal(h.attempts().length, 40);
  assert.deepEqual(told(h, 'partition.lost'), []);
  await h.stop(a);
});

test('of a process that was taken for dead and is back before anybody asked, nothing waits for the drain limit', async () => {
  const h = createHarness({ partitions: 4 });
  h.config.endpoint('shop');
  const a = await h.start('a');
  const b = await h.start('b');
  const ownedBy = (name: string) => [0, 1, 2, 3].filter((p) => h.ownership(p).processId?.startsWith(name));
  await h.until(() => ownedBy('a').length === 2 && ownedBy('b').length === 2, 'both own');
  const given = ownedBy('a');
  await h.until(() => told(h, 'partition.serving').length >= 6, 'both serve');
  let back = false;
  const answer = h.kafka.onAsk((process, what) =>
    process === 'b' && what === 'describe-group' && !back ? { kind: 'lose-request' } : undefined,
  );
  a.port.freeze();
  await h.until(() => h.kafka.expelled('postrider.dispatcher', 'a'), 'its session is over');
  await h.clock.advance(3_000);
  a.port.thaw();
  await h.until(() => !h.kafka.expelled('postrider.dispatcher', 'a'), 'it joins again');
  await h.clock.advance(3_000);
  back = true;
  answer();
  const before = h.clock.monotonic();
  for (const partition of given) h.deliver(`order-${partition}`, 'shop', { partition });
  await h.until(() => given.every((p) => h.watermark(p) === 1), 'all are delivered', 120_000);
  assert.ok(h.clock.monotonic() - before < 5_000, `${h.clock.monotonic() - before} ms`);
  assert.equal(h.receipts.length, 2);
  await h.stop(a);
  await h.stop(b);
});

test('while the group waits for a dead member, the living go on and lose nothing', async () => {
  const h = createHarness({ partitions: 4 });
  h.config.endpoint('shop');
  h.endpointsAnswer(() => ({ afterMs: 500, status: 200 }));
  const a = await h.start('a');
  const dead = await h.start('dead');
  await h.until(() => told(h, 'partition.serving').length >= 6, 'both serve');
  dead.port.kill();
  await h.clock.advance(1_000);
  // It joins at once, and so the group waits for the session of the dead one.
  const joining = h.kafka.connect('b').groupMember({
    ...{ groupId: 'postrider.dispatcher', processId: 'b', startFrom: 'earliest' },
    topics: coPartitionedTopics.map((topic) => topicName('postrider.', topic)),
    onAssigned: () => undefined,
    onBatch: () => undefined,
  });
  let joined = false;
  void joining.then(() => (joined = true));
  const serving = [0, 1, 2, 3].filter((p) => h.ownership(p).processId === 'a');
  const before = h.receipts.length;
  for (let second = 0; second < 27; second += 1) {
    for (const partition of serving) h.deliver(`order-${second}`, 'shop', { partition });
    await h.clock.advance(1_000);
  }
  assert.ok(h.receipts.length >= before + 26 * serving.length, `${h.receipts.length} requests`);
  assert.equal(joined, false);
  await h.until(() => serving.every((p) => h.watermark(p) === 27), 'all are done', 60_000);
  assert.equal(h.receipts.length, 27 * serving.length);
  assert.deepEqual(told(h, 'partition.lost'), []);
  await h.until(() => joined, 'the dead one is given up', 60_000);
  await h.stop(a);
});
