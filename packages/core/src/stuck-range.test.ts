import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from './limits.ts';
import { createRangeWatch, type RangeVerdict } from './stuck-range.ts';

const full = limits.offsetRangeMax;

/** What a watch says of ranges that it is asked about once a second. */
function verdicts(
  seconds: number,
  rangeAt: (second: number) => { size: number; open: number; watermark: number },
  isIdle = true,
) {
  const watch = createRangeWatch();
  return Array.from({ length: seconds }, (_, second) => watch.judge(rangeAt(second), second * 1_000, isIdle));
}

const times = (count: number, verdict: RangeVerdict) => Array.from({ length: count }, () => verdict);

test('a range that is no more than half full is left alone, however little of it is done and however still it stands', () => {
  for (const open of [1, full * 0.5]) {
    const still = verdicts(60, () => ({ size: full * 0.5, open, watermark: 0 }));
    assert.deepEqual(still, times(60, 'nothing'));
  }
});

test('a full range of which nearly all is done is held by its head, at once', () => {
  const first = (size: number, open: number) => verdicts(1, () => ({ size, open, watermark: 0 }));
  assert.deepEqual(first(full, 199), ['head']);
  assert.deepEqual(first(full, 200), ['lanes']);
  assert.deepEqual(first(full * 0.5 + 1, 100), ['head']);
});

test('a range that is nearly full and of which most is done is held by lanes, at once and however fast it moves', () => {
  const moving = verdicts(10, (second) => ({ size: full, open: full / 2 - 1, watermark: second * 1_000 }));
  assert.deepEqual(moving, times(10, 'lanes'));
  const size = full * limits.rangeResumeAtFraction;
  const read = verdicts(10, (second) => ({ size, open: size / 4, watermark: second * 1_000 }));
  assert.deepEqual(read, times(10, 'backlog'));
  const open = verdicts(10, (second) => ({ size: full, open: full / 2, watermark: second * 1_000 }));
  assert.deepEqual(open, times(10, 'backlog'));
  const busy = verdicts(10, (second) => ({ size: full, open: full / 4, watermark: second * 1_000 }), false);
  assert.deepEqual(busy, times(10, 'backlog'));
});

test('a full range that hardly moves is held by lanes, once in a while', () => {
  const still = verdicts(11, () => ({ size: full, open: full / 2, watermark: 7 }));
  assert.deepEqual(still, [...times(5, 'backlog'), 'lanes', ...times(4, 'backlog'), 'lanes']);
  const slow = verdicts(6, (second) => ({ size: full, open: full / 2, watermark: second * 199 }));
  assert.deepEqual(slow, [...times(5, 'backlog'), 'lanes']);
});

test('a full range that is worked off is a backlog', () => {
  const worked = verdicts(60, (second) => ({ size: full, open: full, watermark: second * 200 }));
  assert.deepEqual(worked, times(60, 'backlog'));
});

test('a range that had room meanwhile is watched anew', () => {
  const range = (second: number) => ({ size: second === 4 ? 0 : full, open: full / 2, watermark: 0 });
  assert.deepEqual(verdicts(10, range), [...times(4, 'backlog'), 'nothing', ...times(5, 'backlog')]);
});

test('a range that is full no more, and not empty enough to be read on, is watched all the same', () => {
  const size = full * limits.rangeResumeAtFraction + 1;
  assert.deepEqual(
    verdicts(6, () => ({ size, open: size / 2, watermark: 0 })),
    [...times(5, 'backlog'), 'lanes'],
  );
});
