import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choosePorts } from '../../deploy/local/index.ts';

/** A port that nothing listens on. Where the tested program can listen on port 0, that is better: no race. */
export async function freePort(): Promise<number> {
  const [port] = (await choosePorts(1)) as [number];
  return port;
}

/** A name that no other test and no earlier run uses; for topic prefixes, group ids and tenants. */
export function uniqueName(stem: string): string {
  return `${stem}-${randomBytes(5).toString('hex')}`;
}

/** An empty directory that is removed when disposed: `await using directory = await tempDir()`. */
export async function tempDir(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'postrider-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}
