import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCommand } from './options.ts';

const problemOf = (...args: string[]): string | null => {
  const command = parseCommand(args);
  assert.equal(command.kind, 'usage');
  return command.kind === 'usage' ? command.problem : null;
};

test('a bench without flags measures what is documented', () => {
  assert.deepEqual(parseCommand(['dispatch']), {
    kind: 'dispatch',
    options: {
      seconds: 60,
      endpoints: 1_000,
      bodyBytes: 1_024,
      inFlight: 128,
      logLevel: 'info',
      profile: false,
      record: false,
    },
  });
});

test('every flag is taken', () => {
  const args =
    'dispatch --seconds 5 --endpoints 10 --body 2048 --in-flight 16 --log-level warn --profile --record'.split(' ');
  assert.deepEqual(parseCommand(args), {
    kind: 'dispatch',
    options: {
      seconds: 5,
      endpoints: 10,
      bodyBytes: 2_048,
      inFlight: 16,
      logLevel: 'warn',
      profile: true,
      record: true,
    },
  });
});

test('an unknown bench, flag or value is named', () => {
  assert.match(problemOf() ?? '', /Which bench/);
  assert.match(problemOf('dispatches') ?? '', /dispatches/);
  assert.match(problemOf('dispatch', 'twice') ?? '', /twice/);
  assert.match(problemOf('dispatch', '--second', '5') ?? '', /--second/);
  assert.match(problemOf('dispatch', '--seconds', '0') ?? '', /--seconds must be .* not '0'/);
  assert.match(problemOf('dispatch', '--body', '1e3') ?? '', /--body must be/);
  assert.match(problemOf('dispatch', '--log-level', 'loud') ?? '', /--log-level must be/);
});

test('the command ends with 2 and says how it is used when it is not understood, and with 0 when asked for help', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { encoding: 'utf8' });
  const wrong = run('dispatch', '--nonsense');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--nonsense/);
  assert.match(wrong.stderr, /usage: npm run bench/);
  const help = run('--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /usage: npm run bench/);
});
