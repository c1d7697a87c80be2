import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationMs, shownMs, timeOfDay } from './times.ts';

test('durations are shown in the unit that people would choose', () => {
  assert.equal(shownMs(0.4), '0 ms');
  assert.equal(shownMs(999), '999 ms');
  assert.equal(shownMs(1_234), '1.23 s');
  assert.equal(shownMs(-3), '0 ms');
});

test('protobuf durations become milliseconds', () => {
  assert.equal(durationMs({ seconds: 2n, nanos: 5_000_000 }), 2_005);
  assert.equal(durationMs(undefined), 0);
});

test('times of day have milliseconds', () => {
  assert.equal(timeOfDay(new Date('2026-01-02T03:04:05.006Z')), '03:04:05.006');
});
