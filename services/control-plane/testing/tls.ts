/** A control plane that speaks TLS by files that a test changes, and clients that show what the test says. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { TenantServiceClient } from '@postrider/contract/postrider/v1/tenant_service';
import { tlsChannel, type TlsFiles } from '@postrider/runtime';
import { calls } from './harness.ts';
import type { ReplicaChannel } from '../src/tls/replica-channel.ts';
import type { TestCertificate } from '../../../test/support/certificates.ts';

export interface WrittenTls extends AsyncDisposable {
  readonly files: Required<TlsFiles>;
  /** Replaces files, each in one go. */
  write(contents: Partial<Record<keyof TlsFiles, string>>): Promise<void>;
}

/** Files of a certificate, its key, and the authorities of servers and clients, below a folder of their own. */
export async function writtenTls({ cert, key }: TestCertificate, ca: string, clientCa = ca): Promise<WrittenTls> {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-tls-'));
  const files = {
    certFile: join(folder, 'tls.crt'),
    keyFile: join(folder, 'tls.key'),
    caFile: join(folder, 'ca.crt'),
    clientCaFile: join(folder, 'clients.crt'),
  };
  const write: WrittenTls['write'] = async (contents) => {
    for (const [name, content] of Object.entries(contents)) {
      const path = files[name as keyof TlsFiles];
      await writeFile(`${path}.new`, content);
      await rename(`${path}.new`, path);
    }
  };
  await write({ certFile: cert, keyFile: key, caFile: ca, clientCaFile: clientCa });
  return { files, write, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

export interface TlsClient {
  readonly ca: string;
  readonly shows?: TestCertificate | undefined;
  readonly authorization?: string | null;
  readonly serverName?: string;
}

/** How such a client connects. */
export function channelOf(address: string, { ca, shows, serverName }: TlsClient): ReplicaChannel {
  const { secureContext, verify, options } = tlsChannel({
    ...{ address, ca, ...shows },
    ...(serverName === undefined ? {} : { serverName }),
  });
  return { credentials: credentials.createFromSecureContext(secureContext, verify), options };
}

/** Calls of tenants over a connection of their own. */
export function tlsTenants(port: number, client: TlsClient) {
  const address = `127.0.0.1:${port}`;
  const channel = channelOf(address, client);
  const service = new TenantServiceClient(address, channel.credentials, channel.options);
  return { tenants: calls(service, client.authorization ?? null), [Symbol.dispose]: () => service.close() };
}
