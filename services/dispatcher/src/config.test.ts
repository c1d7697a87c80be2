import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EnvError } from '@postrider/runtime';
import { readDispatcherConfig } from './config.ts';

const least = { POSTRIDER_KAFKA_BROKERS: 'a:9092', POSTRIDER_KEK: 'ab'.repeat(16) + 'cd'.repeat(16) };

test('an environment with brokers and the key is enough, and each start has a process id of its own', () => {
  const first = readDispatcherConfig(least).service;
  const second = readDispatcherConfig(least).service;
  assert.notEqual(first.processId, second.processId);
  assert.equal(first.allowHttp, false);
  assert.equal(first.allowLoopback, false);
});

test('all problems are told at once, and the key is shown in none', () => {
  const secret = 'not-a-key-but-secret';
  assert.throws(
    () =>
      readDispatcherConfig({
        POSTRIDER_KEK: secret,
        POSTRIDER_ALLOW_CIDRS: 'everything',
        POSTRIDER_SESSION_TIMEOUT: '1s',
      }),
    (error: unknown) => {
      assert.ok(error instanceof EnvError);
      for (const name of ['KAFKA_BROKERS', 'KEK', 'ALLOW_CIDRS', 'SESSION_TIMEOUT']) {
        assert.ok(
          error.problems.some((problem) => problem.startsWith(`POSTRIDER_${name}`)),
          name,
        );
      }
      assert.ok(!error.message.includes(secret));
      return true;
    },
  );
});

test('a policy file that cannot be used and a name server that is no address keep the process from starting', () => {
  const read = (more: Record<string, string>) => () => readDispatcherConfig({ ...least, ...more });
  assert.throws(
    read({ POSTRIDER_EGRESS_POLICY_FILE: '/no/such/file' }),
    /POSTRIDER_EGRESS_POLICY_FILE cannot be used: ENOENT/,
  );
  assert.throws(read({ POSTRIDER_NAME_SERVERS: 'dns.internal' }), /POSTRIDER_NAME_SERVERS cannot be used: Invalid IP/);
  const { nameServers } = read({ POSTRIDER_NAME_SERVERS: '10.0.0.10,[fd00::1]:5353' })().service;
  assert.deepEqual(nameServers, ['10.0.0.10', '[fd00::1]:5353']);
});

test('egress pools are read from a file, with the files that it names; what is wrong is told by pool and field', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pools-'));
  try {
    const file = join(folder, 'pools.json');
    const password = join(folder, 'password');
    const read = (pools: object) => {
      writeFileSync(file, JSON.stringify(pools));
      return readDispatcherConfig({ ...least, POSTRIDER_EGRESS_POOLS_FILE: file }).service.pools;
    };
    const vetted = { kind: 'proxy', proxyUrl: 'http://proxy:3128', username: 'me', passwordFile: password };
    writeFileSync(password, 'open sesame');
    const pools = read({ vetted, plain: { kind: 'nat' } });
    assert.deepEqual([...(pools?.keys() ?? [])], ['vetted', 'plain']);
    assert.equal(readDispatcherConfig(least).service.pools, undefined);
    const wrong = { a: { kind: 'socks' }, b: { ...vetted, passwordFile: join(folder, 'nowhere') } };
    assert.throws(
      () => read(wrong),
      /POSTRIDER_EGRESS_POOLS_FILE cannot be used: pool a: kind must be .*; pool b: passwordFile names a file .*ENOENT/,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a contact URL that cannot stand in a header, a start beyond what a lane may have and an unknown kind of destination keep the process from starting', () => {
  const read = (more: Record<string, string>) => () => readDispatcherConfig({ ...least, ...more }).service;
  for (const url of ['example.com/webhooks', 'https://example.com/a b', 'https://example.com/ä'])
    assert.throws(read({ POSTRIDER_CONTACT_URL: url }), /POSTRIDER_CONTACT_URL/, url);
  for (const start of ['0', '257', '1.5'])
    assert.throws(read({ POSTRIDER_CONCURRENCY_START: start }), /POSTRIDER_CONCURRENCY_START/, start);
  assert.throws(read({ POSTRIDER_DESTINATION_BY: 'host' }), /POSTRIDER_DESTINATION_BY/);
  assert.equal(read({})().destinationRateMax, undefined, 'no cap');
  assert.equal(read({ POSTRIDER_DESTINATION_RATE_MAX: '500' })().destinationRateMax, 500);
  const { contactUrl, concurrencyStart } = read({
    POSTRIDER_CONTACT_URL: 'https://example.com/webhooks',
    POSTRIDER_CONCURRENCY_START: '4',
  })();
  assert.deepEqual([contactUrl, concurrencyStart], ['https://example.com/webhooks', 4]);
});
