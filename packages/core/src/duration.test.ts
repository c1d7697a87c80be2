import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { durationMs, durationOf } from './duration.ts';

test('whole milliseconds survive', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1_209_600_000, max: 1_209_600_000 }), (ms) => {
      assert.equal(durationMs(durationOf(ms)), ms + 0);
    }),
  );
});

test('parts of a millisecond are rounded up, never early', () => {
  assert.equal(durationMs({ seconds: 1n, nanos: 1 }), 1_001);
  assert.equal(durationMs({ seconds: 0n, nanos: 999_999 }), 1);
  assert.equal(durationMs({ seconds: 0n, nanos: -1 }), 0);
});

test('what is no duration is not a number', () => {
  const wrong = [
    { seconds: 1n, nanos: -1 },
    { seconds: -1n, nanos: 1 },
    { seconds: 0n, nanos: 1_000_000_000 },
    { seconds: 0n, nanos: 0.5 },
    { seconds: 0n, nanos: Number.NaN },
    { seconds: 2n ** 62n, nanos: 0 },
  ];
  for (const duration of wrong) assert.ok(Number.isNaN(durationMs(duration)));
});
