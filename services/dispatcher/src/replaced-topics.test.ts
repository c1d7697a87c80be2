/**
 * Topics that an operator has deleted and made anew, on the fake Kafka: what comes in afterwards is delivered, whatever was
 * known of the offsets before, and what waited goes on. Observed: receipts, dead letters, the log.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicSpecs } from '@postrider/kafka';
import { createHarness, type Harness } from '../testing/harness.ts';

const specs = topicSpecs({ prefix: 'postrider.', partitions: 1, replicationFactor: 1, bodyBytesMax: 262_144 });
const schedule = { $case: 'delays' as const, value: { delays: [{ seconds: 300n, nanos: 0 }] } };

/** Deletes a topic and makes it anew. */
function replace(h: Harness, id: string): void {
  const name = `postrider.${id}`;
  h.kafka.deleteTopic(name);
  h.kafka.createTopics(specs.filter((spec) => spec.name === name));
}

const told = (h: Harness, text: string) => h.log.lines.filter(({ message }) => message.includes(text)).length;

test('a topic that was made anew while nobody read it is read from its beginning, however long it has become', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  for (let i = 0; i < 5; i += 1) h.deliver(`before-${i}`, 'shop');
  const a = await h.start('a');
  await h.until(() => h.watermark() === 5, 'all is done');
  await h.stop(a);
  replace(h, 'deliveries');
  for (let i = 0; i < 9; i += 1) h.deliver(`after-${i}`, 'shop');
  const b = await h.start('b');
  await h.until(() => h.receipts.length === 14, 'all that came in is sent');
  await h.until(() => h.watermark() === 9, 'and done');
  assert.equal(told(h, 'unread records are gone'), 1);
  await h.stop(b);
});

test('a topic that is made anew under its owner, and is longer at once than what was read, is read from its beginning', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  for (let i = 0; i < 5; i += 1) h.deliver(`before-${i}`, 'shop');
  const a = await h.start('a');
  await h.until(() => h.watermark() === 5, 'all is done');
  await h.clock.advance(60_000);
  replace(h, 'deliveries');
  for (let i = 0; i < 9; i += 1) h.deliver(`after-${i}`, 'shop');
  const all = () => Array.from({ length: 9 }, (_, i) => h.received(`after-${i}`).length);
  await h.until(() => all().every((times) => times > 0), 'all that came in is sent', 60_000);
  await h.until(() => h.watermark() === 9, 'and done');
  await h.stop(a);
});

test('a broker that is behind, and names another topic than all others do, makes nobody begin anew', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  for (let i = 0; i < 5; i += 1) h.deliver(`order-${i}`, 'shop');
  const a = await h.start('a');
  await h.until(() => h.watermark() === 5, 'all is done');
  await h.stop(a);
  let asked = 0;
  const connect = h.kafka.connect.bind(h.kafka);
  h.kafka.connect = (processId) => {
    const port = connect(processId);
    const topicIds = async (names: readonly string[]): ReturnType<typeof port.admin.topicIds> =>
      asked++ < 3 ? new Map(names.map((name) => [name, 'before'])) : port.admin.topicIds(names);
    return { ...port, admin: { ...port.admin, topicIds } };
  };
  const b = await h.start('b');
  h.deliver('after', 'shop');
  await h.until(() => h.watermark() === 6, 'b serves');
  assert.deepEqual([asked > 3, h.receipts.length, told(h, 'unread records are gone')], [true, 6, 0]);
  await h.stop(b);
});

test('a row that waits for a record of the topic as it was before ends none of the new one', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule } });
  h.config.endpoint('hangs');
  h.endpointsAnswer(({ path }, earlier) => (path === '/hangs' ? 'hang' : earlier === 0 ? 503 : 200));
  h.deliver('waits', 'shop');
  const a = await h.start('a');
  await h.until(() => h.allRows().length === 1, 'it waits');
  await h.stop(a);
  replace(h, 'deliveries');
  const b = await h.start('b');
  await h.until(() => h.watermark() === 0 && h.ownership().processId === 'b', 'b serves');
  await h.stop(b);
  const dueAt = h.allRows()[0]?.delivery.dueAt?.getTime() ?? assert.fail('it does not wait');
  await h.clock.advance(dueAt - h.clock.now() - 2_000);
  h.deliver('new', 'hangs');
  // It was b that saw the other topic: c must know it from b.
  const c = await h.start('c');
  await h.until(() => h.received('waits').length === 2 && h.allRows().length === 0, 'the one that waited has ended');
  assert.equal(h.received('new').length, 1);
  await h.clock.advance(2_000);
  c.port.kill();
  const d = await h.start('d');
  await h.until(() => h.received('new').length === 2, 'what was in flight is sent again', 120_000);
  await h.stop(d);
});

test('what waited when ownership was deleted goes on, ends once, and a person is told', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule } });
  h.endpointsAnswer((_, earlier) => (earlier === 0 ? 503 : 200));
  const a = await h.start('a');
  await h.stop(a);
  h.deliver('order-1', 'shop');
  const b = await h.start('b');
  await h.until(() => h.allRows().length === 1, 'it waits');
  await h.stop(b);
  assert.equal(told(h, 'ownership knows nothing'), 0);
  replace(h, 'ownership');
  const c = await h.start('c');
  assert.equal(told(h, 'ownership knows nothing'), 1);
  await h.until(() => h.allRows().length === 0, 'it is delivered', 400_000);
  assert.equal(h.received('order-1').length, 2);
  await h.until(() => h.watermark() === 1, 'and done');
  await h.stop(c);
  const d = await h.start('d');
  await h.clock.advance(400_000);
  assert.deepEqual([h.received('order-1').length, h.deadLetters().length], [2, 0]);
  await h.stop(d);
});
