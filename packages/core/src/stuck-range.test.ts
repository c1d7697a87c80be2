import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from './limits.ts';
import { createRangeWatch } from './stuck-range.ts';

const full = limits.offsetRangeMax;

/** What a watch says of ranges that it is asked about once a second. */
function verdicts(seconds: number, rangeAt: (second: number) => { size: number; open: number; watermark: number }) {
  const watch = createRangeWatch();
  return Array.from({ length: seconds }, (_, second) => watch.judge(rangeAt(second), second * 1_000));
}

const nothing = (count: number) => Array.from({ length: count }, () => 'nothing');

test('a range that is no more than half full is left alone, however little of it is done and however still it stands', () => {
  assert.deepEqual(
    verdicts(60, () => ({ size: full * 0.5, open: 1, watermark: 0 })),
    nothing(60),
  );
  assert.deepEqual(
    verdicts(60, () => ({ size: full * 0.5, open: full * 0.5, watermark: 0 })),
    nothing(60),
  );
});

test('a full range of which nearly all is done is held by its head, at once', () => {
  assert.deepEqual(
    verdicts(1, () => ({ size: full, open: 199, watermark: 0 })),
    ['head'],
  );
  assert.deepEqual(
    verdicts(1, () => ({ size: full, open: 200, watermark: 0 })),
    ['nothing'],
  );
  assert.deepEqual(
    verdicts(1, () => ({ size: full * 0.5 + 1, open: 100, watermark: 0 })),
    ['head'],
  );
});

test('a full range that hardly moves is held by lanes, once in a while', () => {
  const still = verdicts(11, () => ({ size: full, open: full / 2, watermark: 7 }));
  assert.deepEqual(still, [...nothing(5), 'lanes', ...nothing(4), 'lanes']);
  const slow = verdicts(6, (second) => ({ size: full, open: full / 2, watermark: second * 199 }));
  assert.deepEqual(slow, [...nothing(5), 'lanes']);
});

test('a full range that is worked off is left alone', () => {
  assert.deepEqual(
    verdicts(60, (second) => ({ size: full, open: full, watermark: second * 200 })),
    nothing(60),
  );
});

test('a range that had room meanwhile is watched anew', () => {
  const range = (second: number) => ({ size: second === 4 ? 0 : full, open: full / 2, watermark: 0 });
  assert.deepEqual(verdicts(10, range), nothing(10));
});

test('a range that is full no more, and not empty enough to be read on, is watched all the same', () => {
  const size = full * limits.resumeAtFraction + 1;
  assert.deepEqual(
    verdicts(6, () => ({ size, open: size / 2, watermark: 0 })),
    [...nothing(5), 'lanes'],
  );
});
