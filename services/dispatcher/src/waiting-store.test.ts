import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from './waiting-store.ts';

test('rows are kept by number, counted, and not touched by what happens to the bytes they came from', () => {
  const store = createMemoryStore();
  const body = Buffer.from('body');
  store.put(1, { header: Buffer.from('h'), body });
  body.fill(0);
  assert.equal(store.get(1)?.body.toString(), 'body');
  store.put(1, { header: Buffer.from('hh'), body: Buffer.from('longer') });
  store.put(2, { header: Buffer.alloc(0), body: Buffer.alloc(0) });
  assert.deepEqual([store.rows, store.bytes], [2, 8]);
  store.delete(1);
  store.delete(7);
  assert.deepEqual([store.rows, store.bytes, store.get(1)], [1, 0, undefined]);
});
