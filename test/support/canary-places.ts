import { connect } from 'node:net';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { RotateSecretRequest } from '@postrider/contract/postrider/v1/secret_service';
import type { Running } from '../../services/control-plane/testing/harness.ts';

/** Everything that a Redis holds, by its own protocol: names of keys, and their values as it would save them. */
export async function redisContent(port: number, password: string): Promise<Buffer> {
  const ask = async (lines: readonly string[]): Promise<Buffer> => {
    const parts: Buffer[] = [];
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.end([`AUTH ${password}`, ...lines, 'QUIT'].map((line) => `${line}\r\n`).join(''));
    await new Promise((resolve) => socket.once('close', resolve));
    return Buffer.concat(parts);
  };
  const keys = (await ask(['KEYS *'])).toString('latin1').match(/(?<=\$\d+\r\n)[^\r]+/g) ?? [];
  return ask(['KEYS *', ...keys.map((key) => `DUMP "${key}"`)]);
}

/** What clients are told: answers that may hold no secret, and errors to requests that hold these. */
export async function answersTo(
  run: Pick<Running, 'tenants' | 'endpoints' | 'access' | 'secrets' | 'dispatchers' | 'deliveries'>,
  endpoints: readonly Endpoint[],
  secrets: readonly string[],
): Promise<Buffer> {
  const parent = endpoints[0]?.name.split('/endpoints/')[0] ?? '';
  const page = { pageSize: 0, pageToken: '', filter: '', orderBy: '' };
  const told: unknown[] = [
    await run.tenants.getTenant({ name: parent }),
    await run.endpoints.listEndpoints({ parent, ...page }),
    await run.access.listApiKeys(page),
    await run.secrets.listKeyEncryptionKeys({}),
    await run.dispatchers.listDispatchers({}),
  ];
  for (const { name } of endpoints) {
    told.push(await run.endpoints.getEndpoint({ name }));
    told.push(await run.secrets.listSecrets({ parent: name, ...page }));
    told.push(await run.deliveries.getEndpointBacklog({ name }).catch(errorWords));
  }
  for (const secret of secrets) {
    const wrong = RotateSecretRequest.fromPartial({ name: endpoints[0]?.name ?? '', secret });
    told.push(await run.secrets.rotateSecret(wrong).catch(errorWords));
    const bearer = { $case: 'bearer' as const, value: { token: `${secret}\n` } };
    const endpoint = Endpoint.fromPartial({ url: 'http://[', auth: { method: bearer } });
    const request = { parent, endpointId: '', endpoint, requestId: '' };
    told.push(await run.endpoints.createEndpoint(request).catch(errorWords));
  }
  return Buffer.from(JSON.stringify(told, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)));
}

export interface RpcFailure {
  readonly details: string;
  readonly metadata?: { get(name: string): (string | Buffer)[] };
}

/** All that an error tells, its details too. */
export function errorWords(error: RpcFailure): string {
  const details = error.metadata?.get('grpc-status-details-bin') ?? [];
  return [error.details, ...details.map((one) => one.toString('latin1'))].join(' ');
}
