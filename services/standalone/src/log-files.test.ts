import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/resources.ts';
import { openLogFiles } from './log-files.ts';

const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { message: string; name: string });

test('each logger writes JSON lines to a file of its own, after those of earlier runs', async () => {
  await using directory = await tempDir();
  for (const run of ['first', 'second']) {
    using logs = openLogFiles(directory.path, 'info');
    logs.logger('router').info({}, run);
    logs.logger('dispatcher').debug({}, 'not at this level');
  }
  const lines = linesOf(join(directory.path, 'router.log'));
  assert.deepEqual(
    lines.map(({ name, message }) => [name, message]),
    [
      ['router', 'first'],
      ['router', 'second'],
    ],
  );
  assert.equal(readFileSync(join(directory.path, 'dispatcher.log'), 'utf8'), '');
});

test('a log that has grown too large makes room: two files at most', async () => {
  await using directory = await tempDir();
  using logs = openLogFiles(directory.path, 'info', 1_000);
  const log = logs.logger('router');
  for (let n = 0; n < 100; n += 1) log.info({ n }, 'a line');
  assert.ok(readFileSync(join(directory.path, 'router.log')).length < 1_500);
  assert.ok(readFileSync(join(directory.path, 'router.log.1')).length < 1_500);
  assert.ok(!existsSync(join(directory.path, 'router.log.2')));
});

test('lines after the end are dropped, and throw nothing', async () => {
  await using directory = await tempDir();
  const logs = openLogFiles(directory.path, 'info');
  const log = logs.logger('router');
  logs[Symbol.dispose]();
  log.info({}, 'too late');
  assert.equal(readFileSync(join(directory.path, 'router.log'), 'utf8'), '');
});
