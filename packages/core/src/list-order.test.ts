import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPostriderError } from './errors.ts';
import { parseListOrder } from './list-order.ts';

const read = (text: string) => parseListOrder(text, ['name', 'create_time']);

test('a field, and the way behind it; nothing is the first field', () => {
  assert.deepEqual(read(''), { field: 'name', descending: false });
  assert.deepEqual(read('create_time'), { field: 'create_time', descending: false });
  assert.deepEqual(read(' create_time   desc '), { field: 'create_time', descending: true });
  assert.deepEqual(read('name asc'), { field: 'name', descending: false });
});

test('what lists are not ordered by is refused by its name', () => {
  for (const text of ['update_time', 'name,create_time', 'name DESC', 'desc', 'name desc desc', 'toString']) {
    assert.throws(
      () => read(text),
      (error) => {
        return isPostriderError(error, 'invalid_argument') && error.violations[0]?.field === 'order_by';
      },
    );
  }
});
