import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, inUnits, millisecondsOf } from './env-units.ts';

test('an amount is told in the largest unit that leaves no rest, so that it can be given back as a setting', () => {
  const times = [0, 250, 1_500, 30_000, 90_000, 3_600_000, 400 * 864e5].map((ms) => inUnits(ms, millisecondsOf));
  assert.deepEqual(times, ['0ms', '250ms', '1500ms', '30s', '90s', '1h', '400d']);
  const sizes = [1_023, 1_024, 262_144, 2 ** 30 + 1].map((size) => inUnits(size, bytesOf));
  assert.deepEqual(sizes, ['1023B', '1KiB', '256KiB', '1073741825B']);
});
