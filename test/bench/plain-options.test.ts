import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommand, usage } from './options.ts';
import { plainBenches } from './plain-options.ts';

test('each bench of waiting deliveries has its defaults, takes its flags, and stands in the help', () => {
  assert.deepEqual(parseCommand(['store']), {
    kind: 'store',
    options: { rows: 1_000_000, body: 1_024, rounds: 3, record: false },
  });
  assert.deepEqual(parseCommand(['timers', '--rows', '5000', '--seconds=3', '--record']), {
    kind: 'timers',
    options: { rows: 5_000, seconds: 3, rounds: 3, record: true },
  });
  for (const [name, { numbers }] of Object.entries(plainBenches)) {
    assert.ok(usage.includes(`\n  ${name} `));
    for (const flag of Object.keys(numbers)) assert.ok(usage.includes(`--${flag} <n>`));
  }
});

test('a number out of range, a word for a number and a flag of another bench are told', () => {
  const problemOf = (...args: string[]) => {
    const command = parseCommand(args);
    return command.kind === 'usage' ? (command.problem ?? '') : 'no problem';
  };
  assert.match(problemOf('store', '--rows', '1'), /--rows must be a whole number of 10000–20000000, not '1'/);
  assert.match(problemOf('takeover', '--rounds', 'many'), /--rounds must be a whole number of 1–9, not 'many'/);
  assert.match(problemOf('store', '--seconds', '3'), /--seconds/);
  assert.match(problemOf('timers', 'more'), /more/);
});
