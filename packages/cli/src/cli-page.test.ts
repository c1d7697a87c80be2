import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { cliPage } from './cli-page.ts';

test('the page of the command line is what the commands say of themselves; "npm run generate" writes it', () => {
  assert.equal(readFileSync(resolve(import.meta.dirname, '../../../docs/cli.md'), 'utf8'), cliPage());
});

test('a command stands there with what it takes, its own options, and an example', () => {
  const [, section = ''] = /^(## `tenant delete <tenant>`$.*?)^## /ms.exec(cliPage()) ?? [];
  assert.match(section, /\| `-y, --yes` \| /);
  assert.doesNotMatch(section, /--server/);
  assert.match(section, /^postrider tenant delete acme --force --yes$/m);
});

test('an option that says “the same” stands behind the one that it means', () => {
  const pairs = [...cliPage().matchAll(/^\| `--([\w-]+).*\n\| `--([\w-]+).*\| the same/gm)];
  assert.ok(pairs.length > 0);
  for (const [, before, option] of pairs) assert.equal(option, `${before}-file`);
});
