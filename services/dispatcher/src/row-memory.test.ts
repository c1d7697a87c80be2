import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ROWS_PER_PIECE, RowMemory } from './row-memory.ts';

test('every field of every row holds what was set last, and nothing else changes', () => {
  const counts = fc.record({ doubles: fc.nat(4), words: fc.nat(5) });
  const sets = fc.array(fc.tuple(fc.nat(2 * ROWS_PER_PIECE - 1), fc.nat(8), fc.nat(2 ** 32 - 1)), { maxLength: 60 });
  fc.assert(
    fc.property(counts, sets, ({ doubles, words }, steps) => {
      const memory = new RowMemory({ doubles, words });
      const columns = [
        ...Array.from({ length: doubles }, () => memory.double()),
        ...Array.from({ length: words }, () => memory.word()),
      ];
      memory.grow();
      memory.grow();
      const model = new Map<string, { row: number; field: number; value: number }>();
      for (const [row, pick, number] of steps) {
        if (columns.length === 0) return;
        const field = pick % columns.length;
        const value = field < doubles ? -number / 3 : number;
        columns[field]?.set(row, value);
        model.set(`${row}/${field}`, { row, field, value });
      }
      for (const { row, field, value } of model.values()) assert.equal(columns[field]?.get(row), value);
      for (const [row] of steps)
        columns.forEach((column, field) => model.has(`${row}/${field}`) || assert.equal(column.get(row), 0));
    }),
  );
});

test('a row has no more fields than it was made with', () => {
  const memory = new RowMemory({ doubles: 1, words: 0 });
  memory.double();
  assert.throws(() => memory.double(), /no more fields/);
  assert.throws(() => memory.word(), /no more fields/);
});
