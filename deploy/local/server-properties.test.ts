import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverProperties } from './server-properties.ts';

const plan = (nodeId: number) => ({ nodeId, brokerPort: 20_000 + nodeId, controllerPort: 21_000 + nodeId });

function parse(text: string): Map<string, string> {
  const pairs = text.trimEnd().split('\n');
  return new Map(pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

test('one broker replicates nothing and listens on loopback only', () => {
  const properties = parse(serverProperties(plan(1), [plan(1)], '/data'));
  assert.equal(properties.get('listeners'), 'PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:21001');
  assert.equal(properties.get('controller.quorum.voters'), '1@127.0.0.1:21001');
  assert.equal(properties.get('min.insync.replicas'), '1');
  assert.equal(properties.get('offsets.topic.replication.factor'), '1');
  assert.equal(properties.get('auto.create.topics.enable'), 'false');
});

test('of three brokers two must hold a record before it is acknowledged', () => {
  const nodes = [plan(1), plan(2), plan(3)];
  const properties = parse(serverProperties(plan(2), nodes, '/data'));
  assert.equal(properties.get('node.id'), '2');
  assert.equal(properties.get('controller.quorum.voters'), '1@127.0.0.1:21001,2@127.0.0.1:21002,3@127.0.0.1:21003');
  for (const name of ['default', 'offsets.topic', 'transaction.state.log', 'share.coordinator.state.topic'])
    assert.equal(properties.get(`${name}.replication.factor`), '3', name);
  for (const name of ['min.insync.replicas', 'transaction.state.log.min.isr', 'share.coordinator.state.topic.min.isr'])
    assert.equal(properties.get(name), '2', name);
});

test('a given property wins over the default and a new one is added', () => {
  const text = serverProperties(plan(1), [plan(1)], '/data', { 'min.insync.replicas': 7, 'log.segment.bytes': 1024 });
  assert.equal(parse(text).get('min.insync.replicas'), '7');
  assert.equal(parse(text).get('log.segment.bytes'), '1024');
  assert.equal(text.match(/min\.insync\.replicas/g)?.length, 1);
});

test('a value that would smuggle in another line is refused by name', () => {
  assert.throws(
    () => serverProperties(plan(1), [plan(1)], '/data', { a: 'b\nlog.dirs=/etc' }),
    /property a: line break/,
  );
});

test('an edge listens on one port and tells its clients another', () => {
  const edges = [{ name: 'EDGE_1', port: 22_001, advertisedPort: 23_001 }];
  const properties = parse(serverProperties({ ...plan(1), edges }, [plan(1)], '/data'));
  assert.match(properties.get('listeners') ?? '', /,EDGE_1:\/\/127\.0\.0\.1:22001$/);
  assert.match(properties.get('advertised.listeners') ?? '', /,EDGE_1:\/\/127\.0\.0\.1:23001$/);
  assert.match(properties.get('listener.security.protocol.map') ?? '', /,EDGE_1:PLAINTEXT$/);
});
