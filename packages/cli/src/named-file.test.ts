/** Files and variables that hold nothing: nothing is sent. The server would be asked at an address where nobody is. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findConnection } from './connection.ts';
import { cli } from './test-context.ts';

const cwd = mkdtempSync(join(tmpdir(), 'postrider-files-'));
after(() => rmSync(cwd, { recursive: true }));
writeFileSync(join(cwd, 'nothing'), '');
writeFileSync(join(cwd, 'nl.txt'), '\n');
writeFileSync(join(cwd, 'key'), 'prk_in_a_file\n');

test('an empty file is never taken for nothing said', async () => {
  for (const file of ['nothing', 'nl.txt', '/dev/null']) {
    for (const line of [
      `secret rotate acme/orders --overlap 0s --import ${file}`,
      `endpoint create acme --url https://a.example --secret-file ${file}`,
      `endpoint update acme/orders --auth bearer --auth-secret-file ${file}`,
      `endpoint update acme/orders --tls-ca ${file}`,
      `event-type update invoice.paid --schema ${file}`,
      `event-type update invoice.paid --example ${file}`,
      `egress check https://a.example --no-dns --policy ${file}`,
      `listen --secret-file ${file}`,
      `tenant list --ca ${file}`,
    ]) {
      const key = line.startsWith('listen') ? [] : ['--api-key', 'prk_x'];
      const { exitCode, err } = await cli([...line.split(' '), '--server', '127.0.0.1:1', ...key], { cwd });
      assert.equal(exitCode, 2, line);
      assert.match(err, /the file ".*" is empty/, line);
    }
    const { exitCode, err } = await cli(['tenant', 'list', '--server', '127.0.0.1:1', '--api-key-file', file], { cwd });
    assert.deepEqual([exitCode, /--api-key-file: the file ".*" is empty/.test(err)], [2, true]);
  }
});

test('an empty secret on the command line is refused, and two are', async () => {
  const create = ['endpoint', 'create', 'acme', '--url', 'https://a.example', '--server', '127.0.0.1:1'];
  const key = ['--api-key', 'prk_x'];
  assert.match((await cli([...create, ...key, '--secret', ''])).err, /--secret: the secret is empty/);
  assert.match((await cli([...create, ...key, '--secret', 'a', '--secret-file', 'b'])).err, /the secret once/);
  assert.match((await cli([...create, '--api-key', ''])).err, /--api-key: the key is empty/);
  assert.match((await cli([...create, ...key, '--api-key-file', 'x'])).err, /the API key once/);
});

test('a key may stand in a file; a variable that is set to nothing says nothing', () => {
  const keyOf = (...args: Parameters<typeof findConnection>) => findConnection(...args).apiKey;
  assert.equal(keyOf({ apiKeyFile: 'key' }, { POSTRIDER_API_KEY: 'prk_other' }, cwd), 'prk_in_a_file');
  assert.equal(keyOf({}, { POSTRIDER_API_KEY_FILE: 'key' }, cwd), 'prk_in_a_file');
  assert.equal(keyOf({}, { POSTRIDER_API_KEY: 'prk_other', POSTRIDER_API_KEY_FILE: 'key' }, cwd), 'prk_other');
  assert.deepEqual(Object.keys(findConnection({}, { POSTRIDER_API_KEY: '', POSTRIDER_SERVER: '' }, '/')).toSorted(), [
    'tls',
    'topicPrefix',
  ]);
});
