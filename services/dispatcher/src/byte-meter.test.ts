import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createByteMeter } from './byte-meter.ts';

test('the meter is full from 80 % on, until half is left, and tells when there is room', () => {
  const meter = createByteMeter(1_000);
  let told = 0;
  const stop = meter.onRoom(() => (told += 1));
  meter.add(799);
  assert.equal(meter.full, false);
  meter.add(1);
  assert.equal(meter.full, true);
  meter.add(-299);
  assert.equal(meter.full, true);
  meter.add(-1);
  assert.equal(meter.full, false);
  assert.equal(told, 1);
  stop();
  meter.add(500);
  meter.add(-900);
  assert.equal(told, 1);
});
