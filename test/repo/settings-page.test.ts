import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repoRoot } from './repo-files.ts';
import { settingsByRole, settingsPage, settingsPagePath } from './settings-page.ts';

test('the page of settings is what the roles read; "npm run generate" writes it', () => {
  assert.equal(readFileSync(join(repoRoot, settingsPagePath), 'utf8'), settingsPage());
});

test('every setting of every role says what it does', () => {
  const silent = [...settingsByRole].flatMap(([role, settings]) =>
    settings.filter(({ says }) => says === '').map(({ variables }) => `${role}: ${variables.join(', ')}`),
  );
  assert.deepEqual(silent, []);
});
