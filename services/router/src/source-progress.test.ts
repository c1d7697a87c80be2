import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSourceProgress } from './source-progress.ts';

test('the position never passes an event that has not ended, and ends at the end', () => {
  const run = fc.property(
    fc.array(fc.record({ gap: fc.integer({ min: 0, max: 3 }), rank: fc.double({ noNaN: true }) }), {
      maxLength: 3_000,
    }),
    (events) => {
      const progress = createSourceProgress(5);
      let offset = 5;
      const open = new Map<number, () => void>();
      const order = events.map(({ gap, rank }) => {
        offset += gap;
        const taken = offset;
        open.set(taken, progress.take(taken));
        offset += 1;
        return { taken, rank };
      });
      progress.passed(offset + 2);
      for (const { taken } of order.toSorted((a, b) => a.rank - b.rank)) {
        assert.equal(progress.position, Math.min(...open.keys()));
        open.get(taken)?.();
        open.delete(taken);
      }
      assert.equal(progress.position, offset + 2);
      assert.equal(progress.open, 0);
    },
  );
  fc.assert(run, { numRuns: 50 });
});
