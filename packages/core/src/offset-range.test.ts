import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPostriderError } from './errors.ts';
import { createOffsetRange } from './offset-range.ts';

/** The same rules with sets and no bounds on memory. */
function naive(start = 0) {
  const doneSet = new Set<number>();
  let watermark = start;
  let position = start;
  const settle = () => {
    while (doneSet.has(watermark)) watermark++;
    position = Math.max(position, watermark);
  };
  return {
    take(offset: number) {
      if (offset < position) return;
      for (let i = position; i < offset; i++) doneSet.add(i);
      settle();
      position = Math.max(position, offset + 1);
    },
    pass(offset: number) {
      for (let i = position; i < offset; i++) doneSet.add(i);
      position = Math.max(position, offset);
      settle();
    },
    done(offset: number) {
      const news = offset >= watermark && !doneSet.has(offset);
      if (news) doneSet.add(offset);
      settle();
      return news;
    },
    view: () => ({
      watermark,
      position,
      size: position - watermark,
      open: Array.from({ length: position - watermark }, (_, i) => watermark + i).filter((o) => !doneSet.has(o)).length,
    }),
    isDone: (offset: number) => offset < watermark || doneSet.has(offset),
  };
}

const view = ({ watermark, position, size, open }: ReturnType<typeof createOffsetRange>) => ({
  watermark,
  position,
  size,
  open,
});

test('an offset range says at every step what sets of offsets would say', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('take' as const), by: fc.nat(3) }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('done' as const), by: fc.integer({ min: -3, max: 60 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), by: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), by: fc.constant(0) }) },
  );
  fc.assert(
    fc.property(fc.nat(1_000), fc.array(step, { maxLength: 200 }), (start, steps) => {
      let range = createOffsetRange({ watermark: start }, 20);
      const model = naive(start);
      for (const { kind, by } of steps) {
        const { position, watermark } = range;
        if (kind === 'take' && range.fits(position + by)) {
          range.take(position + by);
          model.take(position + by);
        } else if (kind === 'done') {
          assert.equal(range.done(watermark + by), model.done(watermark + by));
        } else if (kind === 'pass' && (range.size === 0 || position + by <= watermark + 20)) {
          range.pass(position + by);
          model.pass(position + by);
        } else if (kind === 'restart') {
          // What is written and read again knows everything that is done, and has taken nothing.
          const again = createOffsetRange(range.encode(), 20);
          for (let offset = start; offset < position + 80; offset++) {
            assert.equal(again.isDone(offset), model.isDone(offset), `offset ${offset}`);
          }
          assert.equal(again.watermark, watermark);
          assert.equal(again.size, 0);
          if (again.watermark < position) {
            for (let offset = again.watermark; offset < position; offset++) again.take(offset);
          }
          range = again;
        }
        assert.deepEqual(view(range), model.view());
        assert.ok(range.size <= 20);
        for (let offset = watermark - 2; offset < position + 70; offset++) {
          assert.equal(range.isDone(offset), model.isDone(offset), `offset ${offset}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('the watermark stands at the first offset that is not done', () => {
  const range = createOffsetRange();
  for (let offset = 0; offset < 5; offset++) range.take(offset);
  range.done(1);
  range.done(2);
  assert.deepEqual(view(range), { watermark: 0, position: 5, size: 5, open: 3 });
  assert.deepEqual(range.encode(), { watermark: 0, doneAbove: Buffer.from([0b0000_0110]) });
  assert.equal(range.done(0), true);
  assert.equal(range.done(0), false);
  assert.deepEqual(view(range), { watermark: 3, position: 5, size: 2, open: 2 });
  assert.deepEqual(range.encode(), { watermark: 3, doneAbove: Buffer.alloc(0) });
});

test('an offset beyond the bound is refused while anything is open, and a gap of any length is jumped when nothing is', () => {
  const range = createOffsetRange({ watermark: 100 }, 10);
  range.take(100);
  for (let offset = 101; offset < 110; offset++) {
    range.take(offset);
    range.done(offset);
  }
  assert.equal(range.fits(110), false);
  assert.throws(
    () => range.take(110),
    (error) => isPostriderError(error, 'limit_reached'),
  );
  range.done(100);
  assert.equal(range.watermark, 110);
  range.take(5_000_000_000);
  assert.deepEqual(view(range), { watermark: 5_000_000_000, position: 5_000_000_001, size: 1, open: 1 });
  range.done(5_000_000_000);
  assert.deepEqual(range.encode(), { watermark: 5_000_000_001, doneAbove: Buffer.alloc(0) });
});

test('a jump forgets what was done in between and keeps what is done above', () => {
  const range = createOffsetRange({ watermark: 0 }, 10);
  range.done(5);
  range.done(40);
  range.take(20);
  assert.equal(range.done(20), true);
  assert.equal(range.watermark, 21);
  assert.equal(range.isDone(40), true);
  // The place of offset 5 in the ring is used again.
  for (let offset = 21; offset < 300; offset++) {
    assert.equal(range.isDone(offset), offset === 40, `offset ${offset}`);
    range.take(offset);
    range.done(offset);
  }
  assert.equal(range.watermark, 300);
});

test('an offset too far above to be remembered is not done', () => {
  const range = createOffsetRange({ watermark: 0 }, 10);
  for (const offset of [128, 2 ** 53, Number.NaN, -1, 0.5]) {
    assert.equal(range.done(offset), false);
    assert.equal(range.encode().doneAbove.length, 0);
  }
  assert.equal(range.done(127), true);
  assert.equal(range.isDone(127), true);
});

test('a progress that cannot be one is refused', () => {
  for (const from of [
    { watermark: -1 },
    { watermark: 0.5 },
    { watermark: Number.NaN },
    { watermark: 0, doneAbove: Buffer.alloc(20_000, 1) },
  ]) {
    assert.throws(
      () => createOffsetRange(from),
      (error) => isPostriderError(error, 'progress_unreadable'),
    );
  }
});

test('a progress that does not begin with an open offset is read all the same', () => {
  const range = createOffsetRange({ watermark: 7, doneAbove: Buffer.from([0b1000_0111]) });
  assert.equal(range.watermark, 10);
  assert.deepEqual([range.isDone(13), range.isDone(14), range.isDone(15)], [false, true, false]);
});
