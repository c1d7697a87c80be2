import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differs, plain } from './plain.ts';

test('nothing that JSON has no word for is lost', () => {
  const message = {
    a: 9_007_199_254_740_993n,
    b: Buffer.from([0, 255]),
    c: new Date(0),
    d: undefined,
    e: [{ f: true }],
  };
  assert.deepEqual(plain(message), {
    a: '9007199254740993n',
    b: 'hex:00ff',
    c: 'time:1970-01-01T00:00:00.000Z',
    e: [{ f: true }],
  });
});

test('a changed, lost or invented value is told with its place', () => {
  assert.deepEqual(differs({ a: { b: [1, 2] } }, { a: { b: [1, 3] } }), ['.a.b[1]: 2 has become 3']);
  assert.deepEqual(differs({ a: 1 }, {}), ['.a is lost']);
  assert.deepEqual(differs({}, { a: 1 }), ['.a: 1 came from nowhere']);
  assert.deepEqual(differs({ a: [1] }, { a: [1, 2] }), ['.a: [1] has become [1,2]']);
});

test('a field that was added later may have its default, and no other value', () => {
  for (const value of ['', 0, false, '0n', 'hex:', 'OUTCOME_UNSPECIFIED', [], {}])
    assert.deepEqual(differs({}, { a: value }), []);
  for (const value of ['OUTCOME_GONE', 1, true, '1n', 'hex:00', [0], { b: 0 }])
    assert.equal(differs({}, { a: value }).length, 1);
});
