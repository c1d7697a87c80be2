import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { tryLock } from './pid-lock.mjs';

const directory = mkdtempSync(join(tmpdir(), 'postrider-lock-'));
after(() => rmSync(directory, { recursive: true }));

test('a held lock names its holder, and is free again after release', () => {
  const path = join(directory, 'held');
  const lock = tryLock(path);
  assert.ok(lock.locked && !lock.tookOver);
  assert.deepEqual(tryLock(path), { locked: false, pid: process.pid });
  lock.release();
  const again = tryLock(path);
  assert.ok(again.locked && !again.tookOver);
});

test('the lock of a process that was killed is taken over, and says so', () => {
  const path = join(directory, 'stale');
  const script = `import { tryLock } from ${JSON.stringify(import.meta.resolve('./pid-lock.mjs'))};
    if (tryLock(${JSON.stringify(path)}).locked) process.kill(process.pid, 'SIGKILL');`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  assert.equal(child.signal, 'SIGKILL');
  assert.ok(lstatSync(path).isSymbolicLink());
  const lock = tryLock(path);
  assert.ok(lock.locked && lock.tookOver);
});

test(
  'a process id that was given to another process since then does not hold the lock',
  { skip: process.platform !== 'linux' },
  () => {
    const path = join(directory, 'reused');
    symlinkSync(`${process.pid}.1`, path);
    const lock = tryLock(path);
    assert.ok(lock.locked && lock.tookOver);
  },
);

test('releasing twice does not remove the lock of who came after', () => {
  const path = join(directory, 'twice');
  const first = tryLock(path);
  assert.ok(first.locked);
  first.release();
  symlinkSync('1.0', path);
  first.release();
  assert.ok(readdirSync(directory).includes('twice'));
});
