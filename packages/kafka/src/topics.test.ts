import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  coPartitionedTopics,
  partitionCount,
  topicDeclaration,
  topicDeclarations,
  topicName,
  topicSpecs,
} from './topics.ts';

const layout = { prefix: 'postrider.', partitions: 12, replicationFactor: 3, bodyBytesMax: 1_048_576 };
const spec = (id: Parameters<typeof topicDeclaration>[0], change = {}) => {
  const found = topicSpecs({ ...layout, ...change }).find(({ name }) => name === topicName('postrider.', id));
  assert.ok(found);
  return found;
};

test('the six co-partitioned topics have P partitions each, and the slot chooses among them', () => {
  assert.equal(coPartitionedTopics.length, 6);
  for (const id of coPartitionedTopics) {
    assert.equal(spec(id).partitions, 12);
    assert.equal(topicDeclaration(id).partitionBy, 'slot');
  }
});

test('partition counts of the other topics do not follow the layout', () => {
  for (const id of ['attempts', 'quarantine', 'operations'] as const) assert.equal(partitionCount(id, 64), 16);
  assert.equal(partitionCount('config', 64), 1);
  assert.equal(partitionCount('dead-letters', 64), 64);
});

test('every topic is stamped by the broker, is never expired by size, and never elects an unclean leader', () => {
  for (const { name, config } of topicSpecs(layout)) {
    assert.equal(config['message.timestamp.type'], 'LogAppendTime', name);
    assert.equal(config['retention.bytes'], '-1', name);
    assert.equal(config['unclean.leader.election.enable'], 'false', name);
  }
});

test('tiers and ownership are not compacted for a day, and tiers keep rows for 21 days', () => {
  for (const id of ['retry.1m', 'retry.1h', 'retry.14d', 'ownership'] as const) {
    assert.equal(spec(id).config['min.compaction.lag.ms'], '86400000');
  }
  assert.equal(spec('retry.1m').config['cleanup.policy'], 'compact,delete');
  assert.equal(spec('retry.14d').config['retention.ms'], String(21 * 86_400_000));
  assert.equal(spec('ownership').config['retention.ms'], undefined);
});

test('the audit is kept for as long as is asked, and for more than a year when nobody asks', () => {
  const { config, partitions } = spec('audit');
  assert.deepEqual(
    [partitions, config['cleanup.policy'], config['retention.ms']],
    [1, 'delete', String(400 * 86_400_000)],
  );
  assert.equal(spec('audit', { auditRetentionMs: 7 }).config['retention.ms'], '7');
});

test('min.insync.replicas is 2 with three replicas and 1 below', () => {
  assert.equal(spec('deliveries').config['min.insync.replicas'], '2');
  assert.equal(spec('deliveries', { replicationFactor: 2 }).config['min.insync.replicas'], '1');
  assert.equal(spec('deliveries', { replicationFactor: 1 }).config['min.insync.replicas'], '1');
});

test('the largest record leaves at least 64 KiB beside the largest body', () => {
  for (const bodyBytesMax of [1, 262_144, 1_048_576, 10_000_000]) {
    const { config } = spec('deliveries', { bodyBytesMax });
    assert.ok(Number(config['max.message.bytes']) >= bodyBytesMax + 65_536);
  }
});

test('a layout that is no layout is refused by the name of the field', () => {
  assert.throws(() => topicSpecs({ ...layout, partitions: 0 }), /partitions must be a positive integer, not 0/);
  assert.throws(() => topicSpecs({ ...layout, bodyBytesMax: 1.5 }), /bodyBytesMax/);
});

test('names are unique and carry the prefix', () => {
  const names = topicSpecs({ ...layout, prefix: 'eu.' }).map(({ name }) => name);
  assert.equal(new Set(names).size, topicDeclarations.length);
  assert.ok(names.every((name) => name.startsWith('eu.')));
});
