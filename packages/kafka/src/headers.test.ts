import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DELIVERY_HEADER, header } from './headers.ts';

test('a header is found by its name, absent is undefined, and of a repeated one the first counts', () => {
  const first = Buffer.from('1');
  assert.equal(header({ headers: { [DELIVERY_HEADER]: first } }, DELIVERY_HEADER), first);
  assert.equal(header({ headers: { [DELIVERY_HEADER]: [first, Buffer.from('2')] } }, DELIVERY_HEADER), first);
  assert.equal(header({ headers: {} }, DELIVERY_HEADER), undefined);
  assert.equal(header({ headers: { [DELIVERY_HEADER]: [] } }, DELIVERY_HEADER), undefined);
});

test('a name that every object inherits is not a header', () => {
  assert.equal(header({ headers: {} }, 'constructor'), undefined);
});
