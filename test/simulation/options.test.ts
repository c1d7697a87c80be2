import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommand } from './options.ts';

test('a rule or a schedule that there is not is wrong usage, not a crash', () => {
  assert.deepEqual(parseCommand(['--without', 'fence']), {
    kind: 'usage',
    problem: 'there is no rule fence to take out; --list names them',
  });
  assert.deepEqual(parseCommand(['--schedule', 'nope']), {
    kind: 'usage',
    problem: 'there is no schedule nope; --list names them',
  });
  for (const known of [
    ['--without', 'fenceSession'],
    ['--without', 'all'],
    ['--schedule', 'crowded'],
  ])
    assert.equal(parseCommand(known).kind, 'run');
});
