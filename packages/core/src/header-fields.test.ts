import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import fc from 'fast-check';
import { headerFieldsWriter } from './header-fields.ts';
import { maskHeaders } from './kept-headers.ts';
import { beginMessage, finishMessage, putText } from './wire-writer.ts';

const REQUEST_HEADERS = 15 * 8 + 2;

function written(write: (headers: readonly string[]) => void, headers: readonly string[], id = ''): [string, string][] {
  beginMessage();
  putText(10, id);
  write(headers);
  return Attempt.decode(finishMessage()).requestHeaders.map(({ name, value }) => [name, value]);
}

const kept = (headers: readonly string[]) => maskHeaders(headers).map(({ name, value }) => [name, value]);

test('headers are written as they are now, whatever the lists before them had', () => {
  const name = fc.constantFrom('x-a', 'X-A', 'x-b', 'cookie', '');
  const value = fc.constantFrom('1', '2', 'ü', '', 'v'.repeat(4_000), 'v'.repeat(9_000));
  const list = fc.array(fc.tuple(name, value), { maxLength: 8 }).map((pairs) => pairs.flat());
  const long = fc.integer({ min: 30, max: 40 }).map((count) => Array<string[]>(count).fill(['x-a', '1']).flat());
  const lists = fc.array(fc.oneof({ weight: 5, arbitrary: list }, { weight: 1, arbitrary: long }));
  fc.assert(
    fc.property(lists, fc.nat(300), (all, idLength) => {
      const write = headerFieldsWriter(REQUEST_HEADERS);
      for (const headers of all) assert.deepEqual(written(write, headers, 'i'.repeat(idLength)), kept(headers));
    }),
    { numRuns: 300 },
  );
});

test('what two lists begin with alike is copied, and the rest is written', () => {
  const write = headerFieldsWriter(REQUEST_HEADERS);
  const begin = ['accept', '*/*', 'authorization', 'Bearer 1', 'x-a', 'ä'];
  for (const last of ['1', '2', '2', '3']) {
    const headers = [...begin, 'webhook-id', last];
    assert.deepEqual(written(write, headers), kept(headers));
  }
  // Another secret is masked as the one before it.
  assert.deepEqual(written(write, begin.with(3, 'Bearer 2')), kept(begin));
  assert.deepEqual(written(write, begin.slice(0, 2)), kept(begin.slice(0, 2)));
  assert.deepEqual(written(write, []), []);
});
