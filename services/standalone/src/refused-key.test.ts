import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError, exitCodes } from '@postrider/cli';
import { refusedKeyWords } from './refused-key.ts';

test('who revoked the key of the data folder is told so, and the command that makes another one', () => {
  const refused = new CliError(exitCodes.failed, 'UNAUTHENTICATED: no', { report: { code: 'UNAUTHENTICATED' } });
  const words = refusedKeyWords(refused, '.postrider') ?? '';
  assert.match(words, /^the API key in \.postrider\/admin-key opens nothing any more: it was revoked/);
  assert.match(
    words,
    /^ {2}echo "prk_admin\$\(openssl rand -hex 4\)_\$\(openssl rand -hex 24\)" > \.postrider\/admin-key$/m,
  );
});

test('of other failures nothing is said of keys', () => {
  const unreachable = new CliError(exitCodes.unreachable, 'UNAVAILABLE: no', { report: { code: 'UNAVAILABLE' } });
  for (const error of [unreachable, new Error('UNAUTHENTICATED')]) assert.equal(refusedKeyWords(error, 'x'), undefined);
});
