/**
 * The certificate of the API ends and is renewed, and its authority is changed, on two control planes over a real Kafka while
 * they are called. Observed: calls, whom the replicas are, and that none was started anew.
 */
// test-timeout: 180 s
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTestAuthority, type TestCertificate } from '../support/certificates.ts';
import { sharedKafka } from '../support/kafka.ts';
import { startReplicas, type Replica } from '../support/replicas.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Rpc } from '@postrider/cli';

/** How soon what was renewed must be in use. */
const renewedMsMax = 60_000;
const names = 'DNS:api.example.com';
const serverName = 'api.example.com';

interface Files extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
}

async function certificateFiles(): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-api-'));
  return {
    env: {
      POSTRIDER_GRPC_TLS_CERT_FILE: join(folder, 'tls.crt'),
      POSTRIDER_GRPC_TLS_KEY_FILE: join(folder, 'tls.key'),
      POSTRIDER_GRPC_TLS_CA_FILE: join(folder, 'ca.crt'),
      POSTRIDER_GRPC_TLS_SERVER_NAME: serverName,
    },
    async write(files) {
      for (const [name, content] of Object.entries(files)) {
        await writeFile(join(folder, `${name}.new`), content);
        await rename(join(folder, `${name}.new`), join(folder, name));
      }
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

const asFiles = ({ cert, key }: TestCertificate) => ({ 'tls.crt': cert, 'tls.key': key });

/** Creates tenants at every replica, one after the other, over connections that stay and over new ones, until it is stopped. */
function calling(replicas: readonly Replica[], ca: () => string) {
  let over = false;
  let made = 0;
  const create = async (rpc: Rpc): Promise<void> => {
    made += 1;
    const tenantId = `tenant-${made}`;
    await rpc.call(rpc.tenants, rpc.tenants.createTenant, { tenantId, tenant: undefined, requestId: tenantId });
  };
  const working = (async () => {
    const standing = replicas.map((replica) => replica.openTls({ ca: ca(), serverName }));
    try {
      while (!over) {
        for (const [index, replica] of replicas.entries()) {
          using fresh = replica.openTls({ ca: ca(), serverName });
          for (const rpc of [standing[index] as Rpc, fresh]) await create(rpc);
        }
      }
    } finally {
      for (const rpc of standing) rpc[Symbol.dispose]();
    }
  })();
  working.catch(() => {});
  return {
    made: () => made,
    async stop(): Promise<void> {
      over = true;
      await working;
    },
  };
}

test('an ended certificate is renewed, and then its authority is changed, without a restart, and no call fails', async (context) => {
  await using first = await createTestAuthority('first');
  await using second = await createTestAuthority('second');
  await using files = await certificateFiles();
  await files.write({ ...asFiles(await first.issue('api', { names, days: -1 })), 'ca.crt': first.ca });
  await using replicas = await startReplicas(await sharedKafka(), 2, { env: files.env });
  const pids = replicas.all.map(({ process }) => process.pid);
  const lists = async (replica: Replica, ca: string): Promise<boolean> => {
    using rpc = replica.openTls({ ca, serverName });
    const answer = rpc.call(rpc.tenants, rpc.tenants.listTenants, {
      pageSize: 1,
      pageToken: '',
      filter: '',
      orderBy: '',
    });
    return await answer.then(
      () => true,
      () => false,
    );
  };
  const all = async (ca: string): Promise<boolean> =>
    (await Promise.all(replicas.all.map((replica) => lists(replica, ca)))).every(Boolean);
  const took = async (what: string, ca: string): Promise<void> => {
    const from = Date.now();
    await waitFor(() => all(ca), { what, timeoutMs: renewedMsMax });
    context.diagnostic(`${what}: ${Date.now() - from} ms`);
  };

  assert.deepEqual(await Promise.all(replicas.all.map((replica) => lists(replica, first.ca))), [false, false]);
  for (const { process } of replicas.all) assert.match(process.log, /api\.certificate-ended/);
  await files.write(asFiles(await first.issue('api', { names })));
  await took('an ended certificate renewed', first.ca);

  const both = `${first.ca}${second.ca}`;
  const calls = calling(replicas.all, () => both);
  await waitFor(() => calls.made() > 8, { what: 'calls' });
  await files.write({ 'ca.crt': both });
  const isRead = () =>
    replicas.all.every(({ process }) => (process.log.match(/"api\.certificate:/g) ?? []).length >= 3);
  await waitFor(isRead, { what: 'both authorities', timeoutMs: renewedMsMax });
  await files.write(asFiles(await second.issue('api', { names })));
  await took('an authority changed', second.ca);
  await files.write({ 'ca.crt': second.ca });
  const before = calls.made();
  await waitFor(() => calls.made() > before + 40, { what: 'calls with the new authority alone', timeoutMs: 30_000 });
  await calls.stop();
  context.diagnostic(`${calls.made()} calls, none failed`);
  assert.deepEqual(
    replicas.all.map(({ process }) => process.pid),
    pids,
  );
});
