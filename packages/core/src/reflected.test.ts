import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskReflected } from './reflected.ts';
import { Secret } from './secret.ts';

const secrets = [new Secret('pässword-1'), new Secret('short')];
const latin = (text: string): string => Buffer.from(text).toString('latin1');

test('a secret that comes back is masked in headers and body, wherever and however often it stands there', () => {
  const answer = {
    status: 200,
    headers: ['x-echo', latin('a pässword-1 b pässword-1'), 'x-other', 'c'],
    excerpt: Buffer.from('{"ü":"pässword-1","again":"pässword-1"}'),
  };
  const { headers, excerpt, status } = maskReflected(answer, secrets);
  assert.deepEqual(headers, ['x-echo', 'a [secret] b [secret]', 'x-other', 'c']);
  assert.equal(excerpt.toString(), '{"ü":"[secret]","again":"[secret]"}');
  assert.equal(status, 200);
});

test('an answer without secrets, or with one that may stand there by chance, stays as it is', () => {
  const answer = { headers: ['x', 'short'], excerpt: Buffer.from('short') };
  assert.equal(maskReflected(answer, secrets), answer);
  const empty = { headers: [] };
  assert.equal(maskReflected(empty, secrets), empty);
});
