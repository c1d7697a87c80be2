import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RowHeap } from './row-heap.ts';
import { RowMemory } from './row-memory.ts';

test('the least row is on top, whatever was pushed, taken out and moved before', () => {
  const steps = fc.array(
    fc.tuple(fc.constantFrom('push', 'remove', 'move', 'pop'), fc.integer({ min: 1, max: 40 }), fc.nat(20)),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(steps, (plan) => {
      const times: number[] = [];
      const memory = new RowMemory({ doubles: 0, words: 1 });
      const place = memory.word();
      memory.grow();
      const timeOf = (row: number): number => times[row] ?? 0;
      const before = (a: number, b: number) => timeOf(a) < timeOf(b) || (timeOf(a) === timeOf(b) && a < b);
      const heap = new RowHeap(before, place);
      const model = new Set<number>();
      for (const [step, row, time] of plan) {
        if (step === 'push' && !model.has(row)) {
          times[row] = time;
          model.add(row);
          heap.push(row);
        } else if (step === 'move') {
          times[row] = time;
          heap.moved(row);
        } else if (step === 'remove') {
          model.delete(row);
          heap.remove(row);
        } else if (step === 'pop') {
          const least = [...model].toSorted((a, b) => (before(a, b) ? -1 : 1))[0] ?? 0;
          assert.equal(heap.pop(), least);
          model.delete(least);
        }
        assert.equal(heap.size, model.size);
        assert.equal(heap.has(row), model.has(row));
      }
      const left = Array.from({ length: heap.size }, () => heap.pop());
      assert.deepEqual(
        left,
        [...model].toSorted((a, b) => (before(a, b) ? -1 : 1)),
      );
    }),
  );
});
