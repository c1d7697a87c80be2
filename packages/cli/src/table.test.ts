import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTable } from './table.ts';

test('columns are aligned and trailing blanks left away', () => {
  assert.equal(formatTable(['A', 'LONG'], [['wide', 'x']], undefined), 'A     LONG\nwide  x\n');
});

test('a line is cut to the terminal', () => {
  assert.equal(formatTable(['HEAD'], [['0123456789']], 6).split('\n')[1], '01234…');
});

test('what a tenant wrote cannot move the cursor of an operator', () => {
  assert.equal(formatTable(['H'], [['\u001b[31mred\u001b[0m\nnext\u0007']], undefined), 'H\nred next\n');
});
