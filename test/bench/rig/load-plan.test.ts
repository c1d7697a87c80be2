import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countOf } from './load-plan.ts';

test('every record of a stream is due in exactly one part of its time', () => {
  const stream = { id: 1, perSecond: 0.7, from: -3, to: 17, targets: [0] };
  const cuts = [-10, -3, -1.1, 0, 0.1, 5.3, 16.999, 30];
  const parts = cuts.slice(1).map((to, index) => countOf(stream, cuts[index], to));
  assert.equal(countOf(stream), 14);
  assert.equal(
    parts.reduce((sum, one) => sum + one, 0),
    14,
  );
});

test('a part begins with what is due at its first moment and ends before what is due at its last', () => {
  const stream = { id: 1, perSecond: 10, from: 0, to: 1, targets: [0] };
  assert.equal(countOf(stream, 0, 0.1), 1);
  assert.equal(countOf(stream, 0.1, 0.3), 2);
});
