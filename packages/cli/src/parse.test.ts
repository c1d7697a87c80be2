import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationOf } from '@postrider/core';
import { collectPairs, parseCount, parseDelays, parseDurationMs, parseStatusRanges } from './parse.ts';

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
