import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Interner } from './interner.ts';

test('a value keeps its number as long as it is used, and is forgotten with its last use', () => {
  const texts = new Interner<string>();
  const a = texts.intern('a');
  const b = texts.intern('b');
  assert.equal(texts.intern('a'), a);
  texts.release(a);
  assert.deepEqual([texts.valueOf(a), texts.valueOf(b), texts.size], ['a', 'b', 2]);
  texts.release(a);
  assert.deepEqual([texts.numberOf('a'), texts.size], [undefined, 1]);
  assert.equal(texts.intern('c'), a);
});
