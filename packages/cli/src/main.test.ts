import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

test('output that cannot be written is a failure', { skip: !existsSync('/dev/full') }, async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [main, '--help'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  let told = '';
  child.stderr?.on('data', (chunk) => (told += String(chunk)));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 1, told);
  assert.match(told, /^postrider: the output cannot be written: .*ENOSPC/);
});

test('a reader that has seen enough is no failure', async () => {
  const child = spawn('sh', ['-c', '"$0" "$1" endpoint --help | true; exit 0', process.execPath, main], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = '';
  child.stderr?.on('data', (chunk) => (told += String(chunk)));
  await once(child, 'close');
  assert.equal(told, '');
});
