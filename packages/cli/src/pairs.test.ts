import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChange, pairsAfter } from './pairs.ts';

test('what a change does not name stays', () => {
  const change = { what: 'label', set: { b: '3', c: '4' }, remove: ['a'] } as const;
  assert.deepEqual(pairsAfter({ a: '1', b: '2', d: '5' }, change), { b: '3', c: '4', d: '5' });
  assert.ok(isChange(change) && isChange({ ...change, set: {} }) && !isChange({ ...change, set: {}, remove: [] }));
});

test('headers are the same in any case of their letters; labels are not', () => {
  const change = { set: { 'x-team': 'b' }, remove: ['X-OLD'] };
  assert.deepEqual(pairsAfter({ 'X-Team': 'a', 'X-Old': '1' }, { what: 'header', ...change }), { 'x-team': 'b' });
  assert.throws(() => pairsAfter({ 'X-Old': '1' }, { what: 'label', ...change }), /no label "X-OLD" to remove/);
});
