import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnvError } from '@postrider/runtime';
import { readControlPlaneConfig } from '../config.ts';

const least = { POSTRIDER_KAFKA_BROKERS: 'a:9092', POSTRIDER_KEK: `${'ab'.repeat(31)}0f` };
const file = import.meta.filename;
const pair = { POSTRIDER_GRPC_TLS_CERT_FILE: file, POSTRIDER_GRPC_TLS_KEY_FILE: file };

function problems(env: Record<string, string>): readonly string[] {
  try {
    readControlPlaneConfig({ ...least, ...env });
  } catch (error) {
    if (error instanceof EnvError) return error.problems;
    throw error;
  }
  return [];
}

test('nobody beyond this machine is let speak plaintext by accident', () => {
  for (const host of ['0.0.0.0', '::', '10.0.0.7', 'api.example.com', '127.0.0.1.example.com']) {
    const [problem = ''] = problems({ POSTRIDER_GRPC_HOST: host });
    assert.match(
      problem,
      /^POSTRIDER_GRPC_HOST lets others than this machine call.*POSTRIDER_GRPC_PLAINTEXT=true/,
      host,
    );
    assert.deepEqual(problems({ POSTRIDER_GRPC_HOST: host, POSTRIDER_GRPC_PLAINTEXT: 'true' }), []);
    assert.deepEqual(problems({ POSTRIDER_GRPC_HOST: host, ...pair }), []);
  }
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) {
    assert.deepEqual(problems({ POSTRIDER_GRPC_HOST: host }), []);
  }
});

test('what belongs together comes together', () => {
  const rows: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ POSTRIDER_GRPC_TLS_CERT_FILE: file }, /^POSTRIDER_GRPC_TLS_KEY_FILE is missing/],
    [{ POSTRIDER_GRPC_TLS_KEY_FILE: file }, /^POSTRIDER_GRPC_TLS_CERT_FILE is missing/],
    [{ POSTRIDER_GRPC_TLS_CA_FILE: file }, /^POSTRIDER_GRPC_TLS_CERT_FILE is missing; POSTRIDER_GRPC_TLS_CA_FILE/],
    [{ POSTRIDER_GRPC_TLS_SERVER_NAME: 'a' }, /^POSTRIDER_GRPC_TLS_CERT_FILE is missing/],
    [{ ...pair, POSTRIDER_GRPC_TLS_CLIENTS: 'required' }, /^POSTRIDER_GRPC_TLS_CLIENT_CA_FILE is missing/],
    [
      { ...pair, POSTRIDER_GRPC_PLAINTEXT: 'true' },
      /^POSTRIDER_GRPC_PLAINTEXT is true, but POSTRIDER_GRPC_TLS_CERT_FILE/,
    ],
    [{ ...pair, POSTRIDER_GRPC_TLS_CA_FILE: '/no/such' }, /^POSTRIDER_GRPC_TLS_CA_FILE cannot be used: ENOENT/],
    [{ ...pair, POSTRIDER_GRPC_TLS_SERVER_NAME: 'a b' }, /^POSTRIDER_GRPC_TLS_SERVER_NAME is not a host name/],
  ];
  for (const [env, problem] of rows) {
    const told = problems(env);
    assert.equal(told.length, 1, told.join('\n'));
    assert.match(told[0] ?? '', problem);
  }
});

test('what is said of TLS arrives', () => {
  assert.equal(readControlPlaneConfig(least).service.tls, undefined);
  const env = {
    ...{ ...least, ...pair, POSTRIDER_GRPC_TLS_CA_FILE: file, POSTRIDER_GRPC_TLS_CLIENT_CA_FILE: file },
    ...{ POSTRIDER_GRPC_TLS_CLIENTS: 'required', POSTRIDER_GRPC_TLS_SERVER_NAME: 'api.example.com' },
  };
  const files = { certFile: file, keyFile: file, caFile: file, clientCaFile: file };
  const tls = { files, clients: 'required', serverName: 'api.example.com' };
  assert.deepEqual(readControlPlaneConfig(env).service.tls, tls);
});
