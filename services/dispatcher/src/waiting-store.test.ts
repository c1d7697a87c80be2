import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from './waiting-store.ts';

test('rows are kept by key, counted, and not touched by what happens to the bytes they came from', () => {
  const store = createMemoryStore();
  const body = Buffer.from('body');
  store.put('a', { header: Buffer.from('h'), body });
  body.fill(0);
  assert.equal(store.get('a')?.body.toString(), 'body');
  store.put('a', { header: Buffer.from('hh'), body: Buffer.from('longer') });
  store.put('b', { header: Buffer.alloc(0), body: Buffer.alloc(0) });
  assert.deepEqual([store.rows, store.bytes], [2, 8]);
  store.delete('a');
  store.delete('unknown');
  assert.deepEqual([store.rows, store.bytes, store.get('a')], [1, 0, undefined]);
});
