import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deliveryId, newUid, workKey } from '@postrider/core';
import { createPackedKey, hashOfPacked, packKey, unpackKey } from './work-key.ts';

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

/** How many of 4,096 places so many keys fall on. */
function placesOf(keys: readonly string[], hashOf = hashOfPacked): number {
  const packed = createPackedKey();
  return new Set(
    keys.map((key) => {
      packKey(key, packed);
      return hashOf(packed) % 4_096;
    }),
  ).size;
}

const word = (value: number): string => value.toString(16).padStart(8, '0');
const numbers = Array.from({ length: 1_000 }, (_, number) => number);

test('keys that differ in one word, in one part of it, or in their run alone are spread like any others', () => {
  const same = word(0xcafe);
  const alike: Record<string, (number: number) => string> = {
    ...Object.fromEntries(
      [0, 1, 2, 3].map((at) => [at, (n: number) => `dlv_${[same, same, same, same].with(at, word(n)).join('')}`]),
    ),
    'high bits': (n) => `dlv_${same}${same}${word(n * 2 ** 22)}${same}`,
    run: (n) => `dlv_${same.repeat(4)}/run_${word(n)}`,
    'no id': (n) => `unreadable/deliveries/${n}`,
  };
  // 1,000 that fall anywhere leave about 887 places taken.
  for (const [what, keyOf] of Object.entries(alike)) assert.ok(placesOf(numbers.map(keyOf)) > 700, what);
});

test('which keys fall on one place is another thing in each process', async () => {
  const other = (await import(`${import.meta.resolve('./work-key.ts')}?other`)) as typeof import('./work-key.ts');
  const packed = createPackedKey();
  const clashing = numbers
    .concat(numbers.map((n) => n + 1_000))
    .map((n) => `dlv_${word(n).repeat(4)}`)
    .filter((key) => {
      packKey(key, packed);
      return hashOfPacked(packed) % 16 === 0;
    });
  assert.ok(clashing.length > 50, String(clashing.length));
  assert.equal(
    placesOf(clashing, (key) => hashOfPacked(key) % 16),
    1,
  );
  assert.ok(placesOf(clashing, (key) => other.hashOfPacked(key) % 16) > 8);
});
