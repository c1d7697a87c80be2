import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnv } from './env.ts';
import { kafkaEnv, kafkaSettings } from './kafka-env.ts';

const read = (env: Record<string, string>) =>
  kafkaSettings(readEnv({ POSTRIDER_KAFKA_BROKERS: 'a:9092, b:9092', ...env }, { kafka: kafkaEnv }).kafka);

test('brokers alone are enough', () => {
  assert.deepEqual(read({}), { brokers: ['a:9092', 'b:9092'] });
});

test('SASL needs mechanism, user name and password together', () => {
  assert.deepEqual(
    read({
      POSTRIDER_KAFKA_SSL: 'true',
      POSTRIDER_KAFKA_SASL_MECHANISM: 'plain',
      POSTRIDER_KAFKA_SASL_USERNAME: 'u',
      POSTRIDER_KAFKA_SASL_PASSWORD: 'p',
    }),
    { brokers: ['a:9092', 'b:9092'], ssl: true, sasl: { mechanism: 'plain', username: 'u', password: 'p' } },
  );
  assert.throws(() => read({ POSTRIDER_KAFKA_SASL_MECHANISM: 'plain' }), /USERNAME is missing/);
  assert.throws(() => read({ POSTRIDER_KAFKA_SASL_USERNAME: 'u' }), /MECHANISM is missing/);
});

test('certificate files without TLS, or without their key, are refused', () => {
  const file = import.meta.filename;
  assert.throws(() => read({ POSTRIDER_KAFKA_SSL_CA_FILE: file }), /POSTRIDER_KAFKA_SSL is not true/);
  assert.throws(
    () => read({ POSTRIDER_KAFKA_SSL: 'true', POSTRIDER_KAFKA_SSL_CERT_FILE: file }),
    /KEY_FILE is missing/,
  );
});
