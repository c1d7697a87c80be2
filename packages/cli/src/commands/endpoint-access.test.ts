import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { EndpointTls } from '@postrider/contract/postrider/v1/endpoint';
import { cli } from '../test-context.ts';
import { accessFields, addAccessOptions, type AccessOptions } from './endpoint-access.ts';

/** The fields of a command line, in a folder with these files. */
function fieldsOf(args: readonly string[], files: Readonly<Record<string, string>> = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'postrider-access-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(cwd, name), content);
    const command = addAccessOptions(new Command()).exitOverride();
    command.parse(args, { from: 'user' });
    return accessFields(command.opts<AccessOptions>(), { cwd });
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

test('each way of showing who we are is told by one option, and its secret stands in a file', () => {
  const files = { secret: 'sesame \n' };
  const methodOf = (...args: string[]) =>
    fieldsOf([...args, '--auth-secret-file', 'secret'], files).endpoint.auth?.method;
  assert.deepEqual(methodOf('--auth', 'basic:me:too'), {
    $case: 'basic',
    value: { username: 'me:too', password: 'sesame ' },
  });
  assert.deepEqual(methodOf('--auth', 'bearer'), { $case: 'bearer', value: { token: 'sesame ' } });
  const oauth2 = ['--auth', 'oauth2:me', '--token-url', 'https://id.example.com/', '--scope', 'a', '--scope', 'b'];
  assert.deepEqual(methodOf(...oauth2), {
    $case: 'oauth2',
    value: { tokenUrl: 'https://id.example.com/', clientId: 'me', clientSecret: 'sesame ', scopes: ['a', 'b'] },
  });
});

test('without its file a secret stays what it is; without a method there is none any more', () => {
  assert.deepEqual(fieldsOf(['--auth', 'bearer']).endpoint.auth?.method, { $case: 'bearer', value: { token: '' } });
  assert.deepEqual(fieldsOf(['--auth', 'none']), { endpoint: { auth: undefined }, paths: ['auth'] });
  assert.deepEqual(fieldsOf([]), { endpoint: {}, paths: [] });
});

test('of TLS only the parts that are given are changed', () => {
  const { endpoint, paths } = fieldsOf(['--tls-cert', 'c', '--tls-key', 'k', '--tls-min', '1.3'], { c: 'C', k: 'K' });
  assert.deepEqual(paths, ['tls.client_certificate_pem', 'tls.client_key_pem', 'tls.min_version']);
  const more = { clientCertificatePem: 'C', clientKeyPem: 'K', minVersion: 'TLS_VERSION_1_3' as const };
  assert.deepEqual(endpoint.tls, EndpointTls.fromPartial(more));
  assert.deepEqual(fieldsOf(['--tls-ca', '']), {
    endpoint: { tls: EndpointTls.fromPartial({}) },
    paths: ['tls.ca_pem'],
  });
});

test('verification is told by its name', () => {
  const { endpoint, paths } = fieldsOf(['--verification', 'challenge']);
  assert.deepEqual([endpoint.verification, paths], ['VERIFICATION_MODE_CHALLENGE', ['verification']]);
});

test('a wrong option is a usage error that names what was written, and never what a file holds', async () => {
  for (const [args, wanted] of [
    [['--auth', 'digest:me'], /--auth: "digest:me" is none of: none, basic/],
    [['--auth', 'basic'], /"basic" is none of/],
    [
      ['--auth', 'bearer', '--auth-secret-file', '/no/such'],
      /--auth-secret-file: the file "\/no\/such" cannot be read \(ENOENT\)/,
    ],
    [['--tls-ca', '/no/such'], /--tls-ca: the file/],
    [['--tls-cert', '/no/such'], /--tls-cert: the file/],
    [['--tls-key', '/no/such'], /--tls-key: the file/],
    [['--scope', 'a'], /are for an --auth/],
    [['--tls-min', '1.1'], /--tls-min: "1.1" is neither/],
    [['--verification', 'maybe'], /"maybe" is none of: none, cloudevents, challenge/],
  ] as const) {
    const { exitCode, err } = await cli(['endpoint', 'update', 'a/b', '--server', 'x:1', '--api-key', 'k', ...args]);
    assert.equal(exitCode, 2, args.join(' '));
    assert.match(err, wanted);
  }
});
