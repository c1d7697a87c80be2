import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EnvError } from '@postrider/runtime';
import { asksForHelp, readStandaloneConfig, usage } from './config.ts';

const root = '/repository';
const read = (args: readonly string[], env: Record<string, string> = {}) => readStandaloneConfig(args, root, env);

test('without options everything is kept in .postrider of the repository, on ports of its own', () => {
  const config = read([]);
  assert.equal(config.dataDir, join(root, '.postrider'));
  assert.equal(config.isDefaultDataDir, true);
  assert.deepEqual([config.fresh, config.exitAfterStory], [false, false]);
  assert.equal(config.ownKafka, undefined);
  assert.ok(config.kafkaPort > 0 && config.grpcPort > 0 && config.kafkaPort !== config.grpcPort);
});

test('options and environment are read', () => {
  const config = read(['--fresh', '--exit-after-story'], {
    POSTRIDER_DATA_DIR: '/elsewhere',
    POSTRIDER_KAFKA_PORT: '0',
    POSTRIDER_GRPC_PORT: '7001',
    POSTRIDER_PARTITIONS: '3',
  });
  assert.deepEqual([config.fresh, config.exitAfterStory], [true, true]);
  assert.deepEqual([config.dataDir, config.isDefaultDataDir], ['/elsewhere', false]);
  assert.deepEqual([config.kafkaPort, config.grpcPort, config.partitions], [0, 7001, 3]);
});

test('one’s own Kafka brings its TLS and SASL along', () => {
  const config = read([], {
    POSTRIDER_KAFKA_BROKERS: 'one:9092, two:9092',
    POSTRIDER_KAFKA_SASL_MECHANISM: 'plain',
    POSTRIDER_KAFKA_SASL_USERNAME: 'me',
    POSTRIDER_KAFKA_SASL_PASSWORD: 'canary',
  });
  assert.deepEqual(config.ownKafka?.brokers, ['one:9092', 'two:9092']);
  assert.equal(config.ownKafka?.sasl?.password, 'canary');
});

test('every variable that is wrong is named at once', () => {
  assert.throws(
    () => read([], { POSTRIDER_GRPC_PORT: 'x', POSTRIDER_LOG_LEVEL: 'loud', POSTRIDER_GRCP_PORT: '1' }),
    (error) => error instanceof EnvError && error.problems.length === 3,
  );
});

test('settings of TLS and SASL without a Kafka of one’s own are refused', () => {
  assert.throws(() => read([], { POSTRIDER_KAFKA_SSL: 'true' }), /POSTRIDER_KAFKA_BROKERS is missing/);
});

test('pools are checked before anything starts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-pools-'));
  const file = join(folder, 'pools.json');
  try {
    writeFileSync(file, '{"partners":{"kind":"proxy","proxyUrl":"http://127.0.0.1:3128"}}');
    assert.equal(read([], { POSTRIDER_EGRESS_POOLS_FILE: file }).poolsFile, file);
    writeFileSync(file, '{"partners":{"kind":"tunnel"}}');
    assert.throws(() => read([], { POSTRIDER_EGRESS_POOLS_FILE: file }), /POSTRIDER_EGRESS_POOLS_FILE .*partners/);
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.throws(() => read([], { POSTRIDER_EGRESS_POOLS_FILE: file }), /POSTRIDER_EGRESS_POOLS_FILE .*cannot be read/);
  assert.equal(read([]).poolsFile, undefined);
});

test('an unknown option is named, with the way to the known ones', () => {
  assert.throws(() => read(['--frehs']), /'--frehs'.*--help/);
  assert.throws(() => read(['now']), /'now'.*--help/);
});

test('beginning anew is refused where it would leave sealed secrets without their key', () => {
  assert.throws(() => read(['--fresh'], { POSTRIDER_KAFKA_BROKERS: 'one:9092' }), /POSTRIDER_TOPIC_PREFIX/);
});

test('the help names every option and variable that is read', () => {
  assert.ok(asksForHelp(['--help']));
  assert.ok(!asksForHelp(['--fresh']));
  for (const word of ['--fresh', '--exit-after-story', 'POSTRIDER_KAFKA_BROKERS', 'POSTRIDER_KAFKA_PORT'])
    assert.ok(usage.includes(word), word);
  for (const word of ['GRPC_PORT', 'DATA_DIR', 'TOPIC_PREFIX', 'PARTITIONS', 'LOG_LEVEL'])
    assert.ok(usage.includes(`POSTRIDER_${word}`), word);
});
