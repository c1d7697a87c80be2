import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deliveryId, newUid, workKey } from '@postrider/core';
import { createPackedKey, packKey, unpackKey } from './work-key.ts';

const hex = fc.string({ unit: fc.nat(15).map((digit) => digit.toString(16)), minLength: 31, maxLength: 33 });
const texts = fc.oneof(
  fc.string(),
  hex.map((digits) => `dlv_${digits}`),
  fc.tuple(hex, fc.string({ unit: 'binary' })).map(([digits, rest]) => `dlv_${digits}/${rest}`),
  fc.constantFrom(`dlv_${'0'.repeat(32)}`, `dlv_${'0'.repeat(32)}/run`, `dlv_${'A'.repeat(32)}`, ''),
);

test('any text comes back as it was, and no two texts are packed alike', () => {
  const packed = createPackedKey();
  const texts2 = fc.tuple(texts, texts);
  const pack = (text: string): string => {
    packKey(text, packed);
    assert.equal(unpackKey(packed.words, packed.rest), text);
    return JSON.stringify([...packed.words, packed.rest]);
  };
  fc.assert(
    fc.property(texts2, ([a, b]) => assert.equal(pack(a) === pack(b), a === b)),
    { numRuns: 500 },
  );
});

test('what is the key of a delivery has its run as rest, and nothing of its id', () => {
  const packed = createPackedKey();
  const delivery = deliveryId('msg_1', 'ep_1');
  packKey(workKey(delivery, undefined), packed);
  assert.equal(packed.rest, '');
  const run = newUid('run', (bytes) => Buffer.alloc(bytes, 7));
  packKey(workKey(delivery, run), packed);
  assert.equal(packed.rest, `/${run}`);
});
