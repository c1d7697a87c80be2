import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChaosCommand } from './options.ts';

const known = ['F1', 'F2', 'F10'];

test('no names mean every row; names in any order and case mean these, in the order of the table', () => {
  assert.deepEqual(parseChaosCommand([], known), { kind: 'run', options: { ids: known, rate: 30, record: false } });
  assert.deepEqual(parseChaosCommand(['f10', 'F1', '--record'], known), {
    kind: 'run',
    options: { ids: ['F1', 'F10'], rate: 30, record: true },
  });
});

test('an unknown row or flag is told, and runs nothing', () => {
  assert.deepEqual(parseChaosCommand(['F1', 'F3'], known), { kind: 'usage', problem: 'there is no row F3' });
  assert.deepEqual(parseChaosCommand(['--rate', '0'], known), {
    kind: 'usage',
    problem: '--rate takes a number from 1 to 1000, not 0',
  });
  assert.equal(parseChaosCommand(['--seconds', '3'], known).kind, 'usage');
});
