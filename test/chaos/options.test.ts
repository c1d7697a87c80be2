import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChaosCommand } from './options.ts';

const known = ['F1', 'F2', 'F10'];

test('no names mean every row; names in any order and case mean these, in the order of the table', () => {
  assert.deepEqual(parseChaosCommand([], known), { kind: 'run', options: { ids: known, record: false } });
  assert.deepEqual(parseChaosCommand(['f10', 'F1', '--record'], known), {
    kind: 'run',
    options: { ids: ['F1', 'F10'], record: true },
  });
});

test('an unknown row or flag is told, and runs nothing', () => {
  assert.deepEqual(parseChaosCommand(['F1', 'F3'], known), { kind: 'usage', problem: 'there is no row F3' });
  assert.equal(parseChaosCommand(['--seconds', '3'], known).kind, 'usage');
});
