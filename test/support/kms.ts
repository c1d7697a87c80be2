import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { standInArn, standInKeys } from '../../packages/runtime/testing/kms-stand-in.ts';
import { choosePorts } from '../../deploy/local/index.ts';
import { startWatched, type WatchedServer } from './watched-server.ts';

/** A key management service as a process of its own: after a `restart` it has the same key, on the same port. */
export interface TestKms extends WatchedServer, AsyncDisposable {
  /** As it stands among the key-encryption keys. */
  readonly kek: string;
  /** What control plane and dispatchers are told to reach it. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts it and waits until it answers. */
export async function startKms(): Promise<TestKms> {
  const [port] = (await choosePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}/`;
  const server = await startWatched({
    program: process.execPath,
    args: [join(import.meta.dirname, 'kms-process.ts'), String(port), randomBytes(32).toString('hex')],
    name: 'the KMS',
    ready: () =>
      fetch(url, { method: 'POST', body: '{}' }).then(
        () => true,
        () => false,
      ),
    timeoutMs: 10_000,
  });
  return Object.assign(server, {
    kek: `aws-kms:${standInArn}`,
    env: {
      POSTRIDER_CALL_KEY: randomBytes(32).toString('hex'),
      POSTRIDER_AWS_KMS_ENDPOINT: url,
      AWS_ACCESS_KEY_ID: standInKeys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: standInKeys.secretAccessKey,
    },
    [Symbol.asyncDispose]: () => server.kill(),
  });
}
