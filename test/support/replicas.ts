import { randomBytes } from 'node:crypto';
import { openRpc, type Rpc, type ServerTls } from '@postrider/cli';
import type { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { choosePorts, type LocalKafka } from '../../deploy/local/index.ts';
import { uniqueName } from './resources.ts';
import { startService, type ServiceProcess, type StartOptions } from './service-process.ts';
import { waitFor } from './wait-for.ts';

/** One control plane of several. */
export interface Replica {
  readonly process: ServiceProcess;
  /** What its health says that it is. */
  role(): Promise<string>;
  /** Creates a tenant at this replica; repeating it with the same id is the same creation. */
  createTenant(tenantId: string): Promise<Tenant>;
  /** Calls it by TLS, with the key of an administrator; the caller closes it. */
  openTls(tls: ServerTls): Rpc;
}

export interface ReplicasOptions extends StartOptions {
  /** What each of them is told besides. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Replicas extends AsyncDisposable {
  readonly topicPrefix: string;
  readonly all: readonly Replica[];
  /** The one that leads now. */
  leader(): Promise<Replica>;
}

/** Starts so many control planes over topics of their own, and waits until one leads and all serve. */
export async function startReplicas(
  kafka: Pick<LocalKafka, 'bootstrapServers'>,
  count: number,
  { env: told = {}, ...start }: ReplicasOptions = {},
): Promise<Replicas> {
  await using stack = new AsyncDisposableStack();
  const topicPrefix = `${uniqueName('replicas')}.`;
  const adminKey = `prk_test_${randomBytes(16).toString('hex')}`;
  const kek = randomBytes(32).toString('hex');
  const ports = await choosePorts(2 * count);
  const all = Array.from({ length: count }, (_, index): Replica => {
    const [grpcPort, healthPort] = ports.slice(2 * index);
    const env = {
      POSTRIDER_KAFKA_BROKERS: kafka.bootstrapServers.join(','),
      POSTRIDER_TOPIC_PREFIX: topicPrefix,
      POSTRIDER_HEALTH_PORT: String(healthPort),
      POSTRIDER_GRPC_PORT: String(grpcPort),
      POSTRIDER_WELL_KNOWN_PORT: '0',
      POSTRIDER_PARTITIONS: '4',
      POSTRIDER_KEK: kek,
      POSTRIDER_BOOTSTRAP_ADMIN_KEY: adminKey,
      POSTRIDER_LOG_LEVEL: 'info',
      ...told,
    };
    const process = stack.use(startService('control-plane', env, start, `control-plane-${index + 1}`));
    const called = { server: `127.0.0.1:${grpcPort}`, apiKey: adminKey };
    const rpc = stack.use(openRpc(called));
    return {
      process,
      role: () => roleOf(process),
      openTls: (tls) => openRpc({ ...called, tls }),
      createTenant(tenantId) {
        const request = { tenantId, tenant: undefined, requestId: tenantId };
        return rpc.call(rpc.tenants, rpc.tenants.createTenant, request);
      },
    };
  });
  await Promise.all(all.map(({ process }) => process.ready()));
  const leader = () => waitFor(() => leaderOf(all), { what: 'a leader', timeoutMs: 30_000 });
  await leader();
  const owned = stack.move();
  return { topicPrefix, all, leader, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function leaderOf(all: readonly Replica[]): Promise<Replica | undefined> {
  for (const replica of all) if ((await replica.role().catch(() => '')) === 'leader') return replica;
  return undefined;
}

async function roleOf({ healthUrl }: ServiceProcess): Promise<string> {
  const answer = await fetch(`${healthUrl}/readyz`, { signal: AbortSignal.timeout(1_000) });
  return /"role":"([^"]*)"/.exec(await answer.text())?.[1] ?? '';
}

/** gRPC's status for what may be tried again. */
const UNAVAILABLE = 14;

/** Whether a call ended with UNAVAILABLE. */
export function isUnavailable(error: unknown): boolean {
  const { cause } = error as { readonly cause?: { readonly code?: number } };
  return cause?.code === UNAVAILABLE;
}
