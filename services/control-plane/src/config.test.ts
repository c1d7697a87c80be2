import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { EnvError } from '@postrider/runtime';
import { readControlPlaneConfig } from './config.ts';

const kek = 'ab'.repeat(31) + '0f';
const least = { POSTRIDER_KAFKA_BROKERS: 'a:9092, b:9092', POSTRIDER_KEK: kek };

function problems(env: Record<string, string>): readonly string[] {
  try {
    readControlPlaneConfig(env);
  } catch (error) {
    if (error instanceof EnvError) return error.problems;
    throw error;
  }
  return [];
}

test('two variables are enough; everything else has a default', () => {
  const config = readControlPlaneConfig(least);
  assert.deepEqual(config.kafka.brokers, ['a:9092', 'b:9092']);
  assert.equal(config.service.partitions, 12);
  assert.equal(config.service.topicPrefix, 'postrider.');
  assert.equal(config.service.allowHttp, false);
  assert.equal(config.service.bootstrapAdminKey, undefined);
  assert.notEqual(readControlPlaneConfig(least).service.processId, config.service.processId);
});

test('every problem is told by its variable, at once, and no secret with it', () => {
  const told = problems({
    POSTRIDER_KEK: 'a-bad-key',
    POSTRIDER_BOOTSTRAP_ADMIN_KEY: 'prk_x',
    POSTRIDER_GRPC_PORT: '70000',
    POSTRIDER_PARTITIONS: '5000',
    POSTRIDER_SESSION_TIMEOUT: '1s',
    POSTRIDER_ALLOW_CIDRS: '10.0.0.0/99',
    POSTRIDER_TOPIC_PREFIX: 'a b',
    POSTRIDER_GRPC_REFLECTON: 'true',
  });
  const named = told.map((problem) => problem.split(' ')[0]);
  const wanted = [
    'POSTRIDER_ALLOW_CIDRS',
    'POSTRIDER_BOOTSTRAP_ADMIN_KEY',
    'POSTRIDER_GRPC_PORT',
    'POSTRIDER_GRPC_REFLECTON',
    'POSTRIDER_KAFKA_BROKERS',
    'POSTRIDER_KEK',
    'POSTRIDER_PARTITIONS',
    'POSTRIDER_SESSION_TIMEOUT',
    'POSTRIDER_TOPIC_PREFIX',
  ];
  assert.deepEqual(
    named.toSorted((a = '', b = '') => (a < b ? -1 : 1)),
    wanted,
  );
  assert.ok(!told.join().includes('a-bad-key') && !told.join().includes('prk_x'));
});

test('SASL comes whole', () => {
  const sasl = {
    POSTRIDER_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    POSTRIDER_KAFKA_SASL_USERNAME: 'u',
    POSTRIDER_KAFKA_SASL_PASSWORD: 'p',
  };
  const { kafka } = readControlPlaneConfig({ ...least, ...sasl });
  assert.deepEqual(kafka.sasl, { mechanism: 'scram-sha-512', username: 'u', password: 'p' });
});

test('the process ends within two seconds and says what is wrong with its environment', async () => {
  const started = performance.now();
  const main = new URL('main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [main], { env: { POSTRIDER_KEK: 'x' }, stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 1);
  assert.match(told, /POSTRIDER_KAFKA_BROKERS is missing/);
  assert.match(told, /POSTRIDER_KEK cannot be used/);
  // The bound is 2 s on a machine of its own; tests share theirs.
  assert.ok(performance.now() - started < 10_000);
});
