import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { VERSION } from './version.ts';

test('the version that processes tell is the repository’s', () => {
  const root = new URL('../../../package.json', import.meta.url);
  assert.equal(VERSION, (JSON.parse(readFileSync(root, 'utf8')) as { version: string }).version);
});
