import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnv } from './env.ts';
import { processEnv, processSettings } from './process-env.ts';

const defaults = {
  topicPrefix: 'own.',
  healthPort: 8090,
  sessionTimeout: { default: 30_000, min: 3_000, max: 300_000 },
};
const read = (env: Record<string, string>) => readEnv(env, { process: processEnv(defaults) }).process;

test('without any setting a service has its own defaults', () => {
  const { topicPrefix, sessionTimeoutMs, ...rest } = read({});
  assert.deepEqual({ topicPrefix, sessionTimeoutMs }, { topicPrefix: 'own.', sessionTimeoutMs: 30_000 });
  assert.deepEqual(processSettings({ topicPrefix, sessionTimeoutMs, ...rest }), {
    health: { host: '127.0.0.1', port: 8090 },
    logLevel: 'info',
  });
});

test('what cannot be a prefix of topics, or a session, is refused with the name of its variable', () => {
  assert.throws(() => read({ POSTRIDER_TOPIC_PREFIX: 'a b' }), /POSTRIDER_TOPIC_PREFIX .*1–100 letters/);
  assert.throws(() => read({ POSTRIDER_SESSION_TIMEOUT: '1s' }), /POSTRIDER_SESSION_TIMEOUT/);
  assert.throws(() => read({ POSTRIDER_LOG_LEVEL: 'loud' }), /POSTRIDER_LOG_LEVEL/);
});
