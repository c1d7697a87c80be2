import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTopics } from './check-topics.ts';
import { topicSpecs } from './topics.ts';
import type { TopicDescription } from './port.ts';

const layout = { prefix: 'postrider.', partitions: 12, replicationFactor: 3, bodyBytesMax: 1_048_576 };
const limits = { prefix: 'postrider.', partitions: 12, bodyBytesMax: 1_048_576, retrySpanMs: 14 * 86_400_000 };

function described(
  id: string,
  change: { config?: Record<string, string>; partitions?: number; replicationFactor?: number },
) {
  return topicSpecs(layout).map((spec): TopicDescription =>
    spec.name === `postrider.${id}` ? { ...spec, ...change, config: { ...spec.config, ...change.config } } : spec,
  );
}
const problems = (id: string, change: Parameters<typeof described>[1]) => checkTopics(described(id, change), limits);

test('topics made from the declarations pass the check, for one broker and for three', () => {
  for (const replicationFactor of [1, 2, 3]) {
    assert.deepEqual(checkTopics(topicSpecs({ ...layout, replicationFactor }), limits), []);
  }
});

test('all problems are told at once, each naming its topic', () => {
  const found = checkTopics([], limits);
  assert.equal(found.length, 13);
  assert.ok(found.includes('Topic postrider.deliveries does not exist.'));
});

const broken: [string, Parameters<typeof described>[1], RegExp][] = [
  ['deliveries', { partitions: 11 }, /has 11 partitions; it needs at least 12/],
  ['attempts', { partitions: 8 }, /needs at least 16/],
  ['retry.14d', { config: { 'retention.ms': String(16 * 86_400_000) } }, /\(16 d\).*at least .*\(17 d\)/],
  ['deliveries', { config: { 'retention.ms': String(6 * 86_400_000) } }, /\(7 d\)/],
  ['deliveries', { config: { 'retention.bytes': '1000000' } }, /retention.bytes=1000000/],
  ['deliveries', { config: { 'max.message.bytes': '1048588' } }, /needs at least 1114112/],
  ['ownership', { config: { 'min.compaction.lag.ms': '0' } }, /min.compaction.lag.ms=0/],
  ['ownership', { config: { 'cleanup.policy': 'compact,delete' } }, /must be compact\./],
  ['config', { config: { 'cleanup.policy': 'delete' } }, /must be compact\./],
  ['deliveries', { config: { 'min.insync.replicas': '1' } }, /can be lost with one broker/],
  ['deliveries', { config: { 'min.insync.replicas': '3' } }, /would stop all writes/],
  ['deliveries', { replicationFactor: 1 }, /can never be written/],
  ['deliveries', { config: { 'unclean.leader.election.enable': 'true' } }, /unclean/],
  [
    'audit',
    { config: { 'retention.ms': String(90 * 86_400_000) } },
    /at least .*\(400 d\) as POSTRIDER_AUDIT_RETENTION says/,
  ],
  ['dead-letters', { config: { 'message.timestamp.type': 'CreateTime' } }, /LogAppendTime/],
];
for (const [id, change, sentence] of broken) {
  test(`${id} with ${JSON.stringify(change)} is one problem`, () => {
    const found = problems(id, change);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', sentence);
  });
}

test('a grown topic, longer retention, no expiry at all and either spelling of the policy are fine', () => {
  assert.deepEqual(problems('deliveries', { partitions: 24 }), []);
  assert.deepEqual(problems('retry.1m', { config: { 'retention.ms': '-1' } }), []);
  assert.deepEqual(problems('retry.1m', { config: { 'cleanup.policy': 'delete, compact' } }), []);
});

test('a missing setting is a problem, not a pass', () => {
  const { 'min.compaction.lag.ms': _, ...config } = topicSpecs(layout).find(
    ({ name }) => name === 'postrider.ownership',
  )!.config;
  const topics = topicSpecs(layout).map((spec) => (spec.name === 'postrider.ownership' ? { ...spec, config } : spec));
  assert.match(checkTopics(topics, limits)[0] ?? '', /min.compaction.lag.ms=NaN/);
});

test('a service checks only the topics it uses, and a publisher keeps events as it likes', () => {
  assert.deepEqual(checkTopics([], { ...limits, topics: [] }), []);
  assert.deepEqual(checkTopics([], { ...limits, topics: ['config'] }), ['Topic postrider.config does not exist.']);
  assert.deepEqual(problems('events', { partitions: 1, config: { 'cleanup.policy': 'compact' } }), []);
});
