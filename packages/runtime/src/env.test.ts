import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnvError, readEnv, type EnvSpec, type Env } from './env.ts';
import { duration, integer, list, oneOf, port, secret, text } from './env-fields.ts';

function problemsOf(env: Env, spec: EnvSpec, alsoKnown: string[] = []): readonly string[] {
  try {
    readEnv(env, spec, { alsoKnown });
  } catch (error) {
    assert.ok(error instanceof EnvError);
    return error.problems;
  }
  return [];
}

const spec = {
  kafkaBrokers: list('POSTRIDER_KAFKA_BROKERS'),
  grpc: { port: port('POSTRIDER_GRPC_PORT', { default: 8080 }) },
  drainMs: duration('POSTRIDER_DRAIN', { default: 40_000, min: 1_000 }),
  pool: text('POSTRIDER_POOL', { optional: true }),
  level: oneOf('POSTRIDER_LOG_LEVEL', ['debug', 'info'], { default: 'info' }),
  adminKey: secret('POSTRIDER_ADMIN_KEY'),
};

test('a good environment gives a frozen value of the shape of the spec', () => {
  const config = readEnv({ POSTRIDER_KAFKA_BROKERS: 'a:1, b:2', POSTRIDER_ADMIN_KEY: 'k', PATH: '/bin' }, spec);
  const drainMs: number = config.drainMs;
  const pool: string | undefined = config.pool;
  const level: 'debug' | 'info' = config.level;
  assert.deepEqual(
    [config.kafkaBrokers, config.grpc.port, drainMs, pool, level],
    [['a:1', 'b:2'], 8080, 40_000, undefined, 'info'],
  );
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.grpc) && Object.isFrozen(config.kafkaBrokers));
});

test('every problem is reported at once, each with its variable', () => {
  const problems = problemsOf(
    {
      POSTRIDER_GRPC_PORT: '80x',
      POSTRIDER_DRAIN: '5',
      POSTRIDER_LOG_LEVEL: 'loud',
      POSTRIDER_KAFKA_BROKER: 'a:1',
    },
    spec,
  );
  assert.deepEqual(problems, [
    'POSTRIDER_KAFKA_BROKERS is missing',
    'POSTRIDER_GRPC_PORT is "80x", not a whole number',
    'POSTRIDER_DRAIN is "5", not a duration such as 250ms, 30s, 5m, 2h or 7d',
    'POSTRIDER_LOG_LEVEL is "loud", not one of debug, info',
    'POSTRIDER_ADMIN_KEY (or POSTRIDER_ADMIN_KEY_FILE) is missing',
    'POSTRIDER_KAFKA_BROKER is not a known setting; did you mean POSTRIDER_KAFKA_BROKERS?',
  ]);
});

test('the message holds the list', () => {
  assert.throws(() => readEnv({ POSTRIDER_X: '' }, { x: integer('POSTRIDER_X') }), {
    name: 'EnvError',
    message: 'One problem in the environment:\n  POSTRIDER_X is set but empty',
  });
});

test('an unknown variable unlike any known one is refused without a guess', () => {
  assert.deepEqual(problemsOf({ POSTRIDER_ZEBRA_CROSSING: '1' }, { x: text('POSTRIDER_POOL', { optional: true }) }), [
    'POSTRIDER_ZEBRA_CROSSING is not a known setting: take it out of the environment of this process, which is given only what it uses',
  ]);
});

test('variables declared as known elsewhere, without the prefix or injected by Kubernetes are left alone', () => {
  const env = {
    POSTRIDER_OTHER: 'x',
    HOME: '/root',
    POSTRIDER_CONTROL_PLANE_SERVICE_HOST: '10.0.0.1',
    POSTRIDER_CONTROL_PLANE_SERVICE_PORT: '8080',
    POSTRIDER_CONTROL_PLANE_SERVICE_PORT_GRPC: '8080',
    POSTRIDER_CONTROL_PLANE_PORT: 'tcp://10.0.0.1:8080',
    POSTRIDER_CONTROL_PLANE_PORT_8080_TCP_ADDR: '10.0.0.1',
  };
  assert.deepEqual(problemsOf(env, {}, ['POSTRIDER_OTHER']), []);
});
