import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { sightings } from './canaries.ts';

const text = 'pa"ss wörd/+c4nary-5e1d';
const canaries = [
  { what: 'text', bytes: Buffer.from(text) },
  { what: 'bytes', bytes: randomBytes(32) },
];
const find = (haystack: Buffer): string[] => [
  ...new Set(sightings(canaries, new Map([['here', haystack]])).map(({ what }) => what)),
];

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));

test('a secret is found in every form, whatever stands around it', () => {
  const hidden: Readonly<Record<string, (part: Buffer) => Buffer>> = {
    raw: (part) => part,
    base64: (part) => Buffer.from(part.toString('base64')),
    base64url: (part) => Buffer.from(part.toString('base64url')),
    hex: (part) => Buffer.from(part.toString('hex')),
  };
  for (const { what, bytes: secret } of canaries) {
    fc.assert(
      fc.property(bytes, bytes, fc.constantFrom(...Object.keys(hidden)), (before, after, form) => {
        const hide = hidden[form] ?? assert.fail();
        assert.deepEqual(find(hide(Buffer.concat([before, secret, after]))), [what], form);
      }),
    );
  }
});

test('a text is found in URLs, forms and JSON, and JSON within JSON', () => {
  const line = JSON.stringify({ message: JSON.stringify({ password: text }) });
  const places = [`https://a/?p=${encodeURIComponent(text)}`, new URLSearchParams({ p: text }).toString()];
  for (const place of [...places, JSON.stringify({ p: text }), line]) {
    assert.deepEqual(find(Buffer.from(place)), ['text'], place);
  }
});

test('what only looks like it is not it', () => {
  assert.deepEqual(find(Buffer.concat([randomBytes(4_096), Buffer.from(text.slice(1))])), []);
});
