import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Receipt } from '../support/receipt.ts';
import { deliveriesPerEndpoint, latencies, probes, recoveryMs } from './measure.ts';

const receipt = (path: string, webhookId: string, at: number): Receipt => ({
  ...{ path, webhookId, at },
  ...{ bodySha256: '', from: '127.0.0.1', agent: '', status: 200, signature: 'valid' },
});
const accepted = new Map([
  ['old', { at: 100, tenant: 't' }],
  ...Array.from({ length: probes }, (_, index) => [`new-${index}`, { at: 1_000 + index, tenant: 't' }] as const),
  ['later', { at: 2_000, tenant: 't' }],
]);
const news = [...accepted.keys()].filter((id) => id.startsWith('new'));

test('the first events after the fault decide, at the last endpoint that wants them', () => {
  const paths = new Map([
    ['a', 't'],
    ['b', 't'],
    ['other', 'u'],
  ]);
  const early = [receipt('a', 'old', 990), ...news.map((id) => receipt('a', id, 1_200))];
  assert.equal(recoveryMs(early, accepted, { from: 900, paths }), null);
  const all = [...early, ...news.map((id) => receipt('b', id, 1_700)), receipt('b', 'later', 9_000)];
  assert.equal(recoveryMs(all, accepted, { from: 900, paths }), 800);
  assert.equal(recoveryMs(all.slice(0, -2), accepted, { from: 900, paths }), null);
  assert.equal(recoveryMs(all, accepted, { from: 1_500, paths }), null, 'too few events came after it');
});

test('latency counts first requests of events of the span alone', () => {
  const paths = new Map([['a', 't']]);
  const seen = [
    receipt('a', 'old', 150),
    receipt('a', 'new-0', 1_020),
    receipt('a', 'new-0', 5_000),
    receipt('b', 'old', 9_000),
  ];
  assert.deepEqual(latencies(seen, accepted, { from: 0, to: 1_100, paths }), [50, 20]);
  assert.deepEqual(latencies(seen, accepted, { from: 0, to: 1_000, paths }), [50]);
});

test('what each tenant was sent counts once, for its own endpoints, within the span; who was sent nothing counts too', () => {
  const paths = new Map([
    ['a', 't'],
    ['b', 't'],
    ['c', 'u'],
    ['d', 'v'],
  ]);
  const seen = [
    ...[receipt('a', '1', 100), receipt('a', '1', 110), receipt('a', '2', 120), receipt('b', '1', 130)],
    ...[receipt('a', '0', 99), receipt('a', '3', 200), receipt('c', '1', 199), receipt('guest', '1', 150)],
  ];
  assert.deepEqual(deliveriesPerEndpoint(seen, { from: 100, to: 200, paths }), [1.5, 1, 0]);
});
