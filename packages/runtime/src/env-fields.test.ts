import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { boolean, bytes, duration, fileContent, integer, list, oneOf, port, secret, text, url } from './env-fields.ts';
import type { EnvField } from './env.ts';

const directory = mkdtempSync(join(tmpdir(), 'postrider-env-'));
after(() => rmSync(directory, { recursive: true }));

function read(field: EnvField<unknown>, value?: string): unknown {
  const result = field.read(value === undefined ? {} : { X: value });
  return result.kind === 'value' ? result.value : `${result.variable} ${result.detail}`;
}

const rows: [string, EnvField<unknown>, string | undefined, unknown][] = [
  ['absent', text('X'), undefined, 'X is missing'],
  ['absent with default', text('X', { default: 'd' }), undefined, 'd'],
  ['absent and optional', text('X', { optional: true }), undefined, undefined],
  ['empty', text('X', { default: 'd' }), '', 'X is set but empty'],
  ['blank', text('X', { optional: true }), ' \t', 'X is set but empty'],
  ['pattern', text('X', { pattern: /^[a-z]+$/, hint: 'a lower-case name' }), 'A1', 'X is not a lower-case name'],
  ['false is a default', boolean('X', { default: false }), undefined, false],
  ['zero is a default', integer('X', { default: 0 }), undefined, 0],
  ['true', boolean('X'), 'true', true],
  ['yes', boolean('X'), 'yes', 'X is "yes", not true or false'],
  ['integer', integer('X'), '-12', -12],
  ['float', integer('X'), '1.5', 'X is "1.5", not a whole number'],
  ['hex', integer('X'), '0x10', 'X is "0x10", not a whole number'],
  ['exponent', integer('X'), '1e3', 'X is "1e3", not a whole number'],
  ['beyond 2^53', integer('X'), '9007199254740993', 'X is "9007199254740993", not a whole number'],
  ['below', integer('X', { min: 1 }), '0', 'X is "0", below the least allowed, 1'],
  ['above', port('X'), '65536', 'X is "65536", above the most allowed, 65535'],
  ['port 0', port('X'), '0', 0],
  ['milliseconds', duration('X'), '250ms', 250],
  ['half a minute', duration('X'), '0.5m', 30_000],
  ['days', duration('X'), '7d', 604_800_000],
  ['no unit', duration('X'), '30', 'X is "30", not a duration such as 250ms, 30s, 5m, 2h or 7d'],
  ['negative duration', duration('X'), '-1s', 'X is "-1s", not a duration such as 250ms, 30s, 5m, 2h or 7d'],
  ['duration above', duration('X', { max: 1000 }), '2s', 'X is "2s", above the most allowed, 1s'],
  ['bytes', bytes('X'), '64KiB', 65_536],
  ['kB', bytes('X'), '64kB', 'X is "64kB", not a size such as 512B, 64KiB, 1MiB or 2GiB'],
  ['bytes below', bytes('X', { min: 1024 }), '1B', 'X is "1B", below the least allowed, 1KiB'],
  ['one of', oneOf('X', ['a', 'b']), 'b', 'b'],
  ['none of', oneOf('X', ['a', 'b']), 'constructor', 'X is "constructor", not one of a, b'],
  ['list', list('X'), ' a ,b', ['a', 'b']],
  ['list with a hole', list('X'), 'a,,b', 'X has an empty item between its commas'],
  ['not a URL', url('X'), 'nonsense', 'X is not a URL'],
  ['scheme', url('X', { schemes: ['redis', 'rediss'] }), 'http://a', 'X is not a URL with scheme redis or rediss'],
  ['credentials', url('X'), 'https://user:hunter2@host/', 'X must not hold a user name or password'],
  ['long value', boolean('X'), 'y'.repeat(99), `X is "${'y'.repeat(40)}…", not true or false`],
];

for (const [name, field, value, expected] of rows) {
  test(`field: ${name}`, () => assert.deepEqual(read(field, value), expected));
}

test('a URL is parsed', () => assert.equal((read(url('X'), 'https://a.example/b') as URL).pathname, '/b'));

test('a file is read, one that cannot be is a problem that names it', () => {
  const path = join(directory, 'ca.pem');
  writeFileSync(path, 'CERT\n');
  assert.deepEqual(read(fileContent('X'), path), Buffer.from('CERT\n'));
  assert.equal(
    read(fileContent('X'), join(directory, 'none')),
    `X names a file that cannot be read: "${directory}/none" (ENOENT)`,
  );
  assert.match(String(read(fileContent('X'), directory)), /\(EISDIR\)$/);
});

test('a secret comes from the variable or from the file beside it, never from both', () => {
  const path = join(directory, 'secret');
  writeFileSync(path, 'hunter2\n');
  const reveal = (env: Record<string, string>): string => {
    const result = secret('X').read(env);
    return result.kind === 'value' ? result.value.reveal() : `${result.variable} ${result.detail}`;
  };
  assert.equal(reveal({ X: 'direct' }), 'direct');
  assert.equal(reveal({ X_FILE: path }), 'hunter2');
  assert.equal(reveal({ X: 'a', X_FILE: path }), 'X and X_FILE are both set; set one');
  assert.equal(reveal({}), 'X (or X_FILE) is missing');
  assert.equal(reveal({ X: '' }), 'X gives an empty secret');
  assert.equal(read(secret('X', { optional: true })), undefined);
});

test('the problem of a secret never shows it', () => {
  const result = secret('X', { minLength: 32 }).read({ X: 'hunter2' });
  assert.deepEqual(result, {
    kind: 'problem',
    variable: 'X',
    detail: 'gives a secret shorter than 32 characters',
  });
});
