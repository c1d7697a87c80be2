import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFuzzCommand, usageOf } from './options.ts';

const known = ['url', 'retry-after'];
const parse = (...args: string[]) => parseFuzzCommand(args, known, 7);

test('without arguments all targets share ten minutes, from the seed of the clock', () => {
  assert.deepEqual(parse(), { kind: 'run', options: { names: known, seconds: 600, seed: 7 } });
});

test('targets, time and seed are taken', () => {
  const options = { names: ['retry-after'], seconds: 5, seed: 42 };
  assert.deepEqual(parse('retry-after', '--seconds', '5', '--seed', '42'), { kind: 'run', options });
});

test('what is not known is told, and help is no problem', () => {
  for (const [args, problem] of [
    [['uri'], /no target uri/],
    [['--seconds', '0'], /--seconds must be/],
    [['--seed', '-1'], /seed/],
    [['--what'], /--what/],
  ] as const) {
    const command = parse(...args);
    assert.ok(command.kind === 'usage');
    assert.match(command.problem ?? '', problem);
  }
  assert.deepEqual(parse('--help'), { kind: 'usage', problem: null });
  assert.match(usageOf({ url: 'the rule for URLs' }), / {2}url {11}the rule for URLs/);
});
