import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/resources.ts';
import { openDataDir } from './data-dir.ts';

const connection = { server: '127.0.0.1:1', apiKey: 'prk_canary', brokers: ['127.0.0.1:2'], topicPrefix: 'postrider.' };

test('keys are made once, and are for their owner alone', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, '.postrider');
  const first = await openDataDir(path, false);
  const { kek, adminKey } = first;
  assert.equal(Buffer.from(kek, 'base64').length, 32);
  assert.match(adminKey, /^prk_admin_[0-9a-f]{48}$/);
  for (const name of ['kek', 'admin-key']) assert.equal((await stat(join(path, name))).mode & 0o777, 0o600);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
  await first[Symbol.asyncDispose]();
  await using second = await openDataDir(path, false);
  assert.deepEqual([second.kek, second.adminKey, second.afterKill], [kek, adminKey, false]);
});

test('a folder in use is refused, naming the process, and is left as it is', async () => {
  await using directory = await tempDir();
  await using used = await openDataDir(directory.path, false);
  await assert.rejects(openDataDir(directory.path, true), new RegExp(`already running here \\(pid ${process.pid}\\)`));
  assert.equal((await readFile(join(directory.path, 'kek'), 'utf8')).trim(), used.kek);
});

test('beginning anew removes what earlier runs left, and nothing else', async () => {
  await using directory = await tempDir();
  const before = await openDataDir(directory.path, false);
  await before[Symbol.asyncDispose]();
  await writeFile(join(directory.path, 'letter.txt'), 'not ours');
  await using after = await openDataDir(directory.path, true);
  assert.notEqual(after.kek, before.kek);
  assert.equal(await readFile(join(directory.path, 'letter.txt'), 'utf8'), 'not ours');
});

test('the connection is told while it runs, to its owner alone', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'connection.json');
  await writeFile(path, 'of a run that was killed');
  const data = await openDataDir(directory.path, false);
  assert.ok(!existsSync(path));
  await data.writeConnection(connection);
  assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), connection);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await data[Symbol.asyncDispose]();
  assert.ok(!existsSync(path));
});

test('keys that a run which died at once, or a full disk, left empty are made again', async () => {
  await using directory = await tempDir();
  for (const name of ['kek', 'admin-key']) await writeFile(join(directory.path, name), '');
  await using data = await openDataDir(directory.path, false);
  assert.equal(Buffer.from(data.kek, 'base64').length, 32);
  assert.match(data.adminKey, /^prk_admin_[0-9a-f]{48}$/);
  for (const name of ['kek', 'admin-key']) {
    assert.equal((await stat(join(directory.path, name))).mode & 0o777, 0o600);
  }
  const left = (await readdir(directory.path)).toSorted();
  assert.deepEqual(left, ['admin-key', 'kek', 'lock', 'log']);
});
