import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationOf } from '@postrider/core';
import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import { OnExhausted } from '@postrider/contract/postrider/v1/endpoint';
import {
  collectPairs,
  parseCount,
  parseDelays,
  formatDurationMs,
  parseDurationMs,
  parseOnExhausted,
  parseOrdering,
  parseRate,
  parseStatusRanges,
} from './parse.ts';

test('a duration has a unit', () => {
  assert.equal(parseDurationMs('250ms'), 250);
  assert.equal(parseDurationMs('1.5s'), 1_500);
  assert.equal(parseDurationMs('3d'), 259_200_000);
  for (const text of ['', '5', 's', '-1s', '1w', '1 s'])
    assert.throws(() => parseDurationMs(text), /no duration/, text);
});

test('delays are a list, and the empty text is an empty one', () => {
  assert.deepEqual(parseDelays(''), []);
  assert.deepEqual(parseDelays('1s, 2m'), [durationOf(1_000), durationOf(120_000)]);
  assert.deepEqual(parseDelays('1250ms'), [{ seconds: 1n, nanos: 250_000_000 }]);
});

test('pairs, counts and statuses are refused with what was written', () => {
  assert.deepEqual(collectPairs('a=b=c', { x: 'y' }), { x: 'y', a: 'b=c' });
  assert.throws(() => collectPairs('novalue', {}), /novalue/);
  assert.equal(parseCount(1)('7'), 7);
  assert.throws(() => parseCount(1)('0'), /at least 1/);
  assert.deepEqual(parseStatusRanges('200-204,302'), [
    { first: 200, last: 204 },
    { first: 302, last: 302 },
  ]);
  assert.throws(() => parseStatusRanges('2xx'), /2xx/);
});

test('an ordering is none, the endpoint’s or that of a key, and nothing else', () => {
  assert.deepEqual(parseOrdering('none'), { mode: OrderingMode.NONE, key: '' });
  assert.deepEqual(parseOrdering('endpoint'), { mode: OrderingMode.ENDPOINT, key: '' });
  assert.deepEqual(parseOrdering('key:data.customer.id'), { mode: OrderingMode.KEY, key: 'data.customer.id' });
  for (const text of ['', 'key', 'key:', 'endpoint:x', 'none:x', 'keys:a']) {
    assert.throws(() => parseOrdering(text), /none of/, text);
  }
  assert.equal(parseOnExhausted('stop'), OnExhausted.STOP);
  assert.throws(() => parseOnExhausted('halt'), /halt/);
});

test('a rate is a count in a period', () => {
  assert.deepEqual(parseRate('100/1s'), { count: 100, periodMs: 1_000 });
  for (const text of ['', '100', '0/1s', '1/1', '1/1s/1s']) assert.throws(() => parseRate(text), text);
  assert.throws(() => parseRate('100'), /"100" is no rate; write for example 100\/1s/);
});

test('a duration is told in the form in which it is given', () => {
  for (const text of ['0s', '250ms', '1500ms', '5s', '90s', '5m', '2h', '30d'])
    assert.equal(formatDurationMs(parseDurationMs(text)), text);
  assert.equal(formatDurationMs(2_592_000_000), '30d');
});
