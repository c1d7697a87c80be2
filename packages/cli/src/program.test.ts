import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VERSION } from '@postrider/core';
import { findConnection } from './connection.ts';
import { cli } from './test-context.ts';

const commandLines = [
  'tenant create',
  'tenant get',
  'tenant list',
  'tenant update',
  'tenant delete',
  'endpoint create',
  'endpoint get',
  'endpoint list',
  'endpoint update',
  'endpoint delete',
  'endpoint enable',
  'endpoint disable',
  'subscription create',
  'subscription list',
  'subscription delete',
  'pause everything',
  'pause tenant',
  'pause endpoint',
  'pause pool',
  'pause list',
  'resume everything',
  'resume tenant',
  'resume endpoint',
  'resume pool',
  'doctor',
  'backlog',
  'delivery explain',
  'delivery skip',
  'delivery now',
  'delivery behind',
  'dispatcher list',
  'dispatcher drain',
  'dispatcher undrain',
  'publish',
  'listen',
  'dead-letters list',
  'quarantine list',
  'attempts tail',
  'topics apply',
  'topics check',
  'egress announce',
  'egress check',
  'egress get',
  'egress list',
  'egress pools',
  'egress retire',
];

test('every command has help with an example, and help is a success', async () => {
  for (const line of commandLines) {
    const { exitCode, out } = await cli([...line.split(' '), '--help']);
    assert.equal(exitCode, 0, line);
    assert.match(out, /Example:\n {2}postrider /, line);
  }
});

test('help tells which options must be given, and no default that says nothing', async () => {
  const { out } = await cli(['pause', 'tenant', '--help']);
  assert.match(out, /--reason <text> .*\(required\)/s);
  const { out: create } = await cli(['endpoint', 'create', '--help']);
  assert.match(create, /--url <url> .*\(required\)/);
  assert.doesNotMatch(create, /default: (\{\}|\[\]|false|"")/);
  assert.match((await cli(['publish', '--help'])).out, /\(default:\s+"\/postrider\/cli"\)/);
});

test('--version prints the version', async () => {
  assert.deepEqual(await cli(['--version']), { exitCode: 0, out: `${VERSION}\n`, err: '' });
});

test('a wrong command line is usage error 2 and says what is wrong', async () => {
  for (const [args, wanted] of [
    [['nonsense'], /unknown command/],
    [['endpoint', 'create', 'acme'], /--url/],
    [['listen', '--delay', 'soon'], /no duration/],
    [['endpoint', 'get', 'nameless', '--server', 'x:1', '--api-key', 'k'], /tenant\/endpoint/],
    [['endpoint', 'update', 'a/b', '--server', 'x:1', '--api-key', 'k'], /Nothing to change/],
    [['endpoint', 'update', 'a/b', '--secret', 'x'], /postrider secret rotate/],
    [['delivery', 'explain', 'a/b', 'hello', '--server', 'x:1', '--api-key', 'k'], /"hello" is no delivery/],
    [
      ['delivery', 'skip', 'a/b', 'hello', '--reason', 'r', '--server', 'x:1', '--api-key', 'k'],
      /"hello" is no delivery/,
    ],
  ] as const) {
    const { exitCode, err } = await cli(args);
    assert.equal(exitCode, 2, args.join(' '));
    assert.match(err, wanted);
  }
});

test('without a connection the ways to give one are named', async () => {
  const { exitCode, err } = await cli(['tenant', 'list']);
  assert.equal(exitCode, 2);
  assert.match(err, /--server host:port, set POSTRIDER_SERVER/);
});

test('a server that does not answer is exit code 3, naming its address', async () => {
  const { exitCode, err } = await cli(['tenant', 'list', '--server', '127.0.0.1:1', '--api-key', 'prk_x']);
  assert.equal(exitCode, 3);
  assert.match(err, /127\.0\.0\.1:1/);
});

test('the connection file of a running installation is found in a folder above', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-cli-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, '.postrider'));
  mkdirSync(join(folder, 'a', 'b'), { recursive: true });
  writeFileSync(
    join(folder, '.postrider', 'connection.json'),
    JSON.stringify({ server: '127.0.0.1:1', apiKey: 'prk_x' }),
  );
  const { exitCode, err } = await cli(['tenant', 'list'], { cwd: join(folder, 'a', 'b') });
  assert.equal(exitCode, 3);
  assert.match(err, /127\.0\.0\.1:1/);
});

test('the key of an installation here is sent to no other server', () => {
  const file = { server: '127.0.0.1:1', apiKey: 'prk_canary', brokers: ['127.0.0.1:2'], topicPrefix: 'postrider.' };
  const folder = mkdtempSync(join(tmpdir(), 'postrider-cli-'));
  try {
    mkdirSync(join(folder, '.postrider'));
    writeFileSync(join(folder, '.postrider/connection.json'), JSON.stringify(file));
    assert.equal(findConnection({}, {}, folder).apiKey, 'prk_canary');
    assert.equal(findConnection({ server: file.server }, {}, folder).apiKey, 'prk_canary');
    assert.equal(findConnection({ server: 'elsewhere.example:8080' }, {}, folder).apiKey, undefined);
    assert.equal(findConnection({}, { POSTRIDER_SERVER: 'elsewhere.example:8080' }, folder).apiKey, undefined);
    const own = { POSTRIDER_SERVER: 'elsewhere.example:8080', POSTRIDER_API_KEY: 'prk_other' };
    assert.equal(findConnection({}, own, folder).apiKey, 'prk_other');
    assert.equal(findConnection({ brokers: 'elsewhere.example:9092' }, {}, folder).topicPrefix, 'postrider.');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('with --json a failure is one line of JSON, also that of a wrong command line', async () => {
  const server = ['--server', '127.0.0.1:1', '--api-key', 'prk_x', '--json'];
  for (const [args, exitCode, code] of [
    [['tenant', 'list', ...server], 3, 'UNAVAILABLE'],
    [['endpoint', 'update', 'a/b', ...server], 2, 'INVALID_ARGUMENT'],
    [['endpoint', 'create', 'acme', '--json'], 2, 'INVALID_ARGUMENT'],
    [['nonsense', '--json'], 2, 'INVALID_ARGUMENT'],
  ] as const) {
    const run = await cli(args);
    assert.equal(run.exitCode, exitCode);
    const { error } = JSON.parse(run.err) as { error: Record<string, string> };
    assert.deepEqual([Object.keys(error), error['code']], [['code', 'reason', 'message', 'field'], code]);
  }
});
