import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isServiceLink, nearestName } from './env-names.ts';

test('the nearest name wins, a far one is no suggestion', () => {
  const known = ['POSTRIDER_KAFKA_BROKERS', 'POSTRIDER_GRPC_PORT'];
  assert.equal(nearestName('POSTRIDER_KAFKA_BROKRES', known), 'POSTRIDER_KAFKA_BROKERS');
  assert.equal(nearestName('POSTRIDER_GPRC_PORT', known), 'POSTRIDER_GRPC_PORT');
  assert.equal(nearestName('QQQQQQQQ', known), undefined);
  assert.equal(nearestName('anything', []), undefined);
});

test('a port written by a person is not taken for one injected by Kubernetes', () => {
  assert.equal(isServiceLink('POSTRIDER_GRPC_PORT', '8080'), false);
  assert.equal(isServiceLink('POSTRIDER_GRPC_PORT', 'tcp://10.0.0.1:8080'), true);
  assert.equal(isServiceLink('POSTRIDER_KAFKA_BROKERS', 'tcp://10.0.0.1:9092'), false);
});
