import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openPlaneClient, type PlaneClient } from '../../../services/control-plane/testing/plane-client.ts';
import type { PlaneReach } from '../../../services/control-plane/testing/publish-client.ts';
import { choosePorts } from '../../../deploy/local/index.ts';
import { openPlaneCaller, type PlaneCaller } from './plane-caller.ts';
import { createTestAuthority } from '../../support/certificates.ts';
import { startBenchProcess, type BenchProcess } from '../bench-process.ts';

import type { Stage } from '../rig/stage.ts';

export interface BenchPlaneOptions {
  readonly topicPrefix: string;
  readonly kek: string;
  readonly partitions: number;
  /** Takes a CPU profile of it, into the stage's directory. */
  readonly profileDir?: string | null;
}

/** A control plane as an operator runs it, over TLS and with API keys, and how to call it. */
export interface BenchPlane extends AsyncDisposable {
  readonly process: BenchProcess;
  /** How else it is reached. */
  readonly reach: PlaneReach;
  /** Opens one more connection, as a client has it; closed with the control plane. */
  connect(): PlaneClient;
  /** The same for many calls. */
  connectCaller(): Promise<PlaneCaller>;
}

/** Starts it and waits until it leads. */
export async function startBenchPlane(stage: Stage, options: BenchPlaneOptions): Promise<BenchPlane> {
  const { topicPrefix, kek, partitions, profileDir = null } = options;
  await using stack = new AsyncDisposableStack();
  const [grpcPort = 0, healthPort = 0] = await choosePorts(2);
  const apiKey = `prk_bench_${randomBytes(16).toString('hex')}`;
  const file = (name: string): string => join(stage.directory, `${topicPrefix}${name}`);
  await using authority = await createTestAuthority();
  const { ca } = authority;
  const { cert, key } = await authority.issue('control-plane', { names: 'DNS:localhost' });
  await writeFile(file('cert.pem'), cert);
  await writeFile(file('key.pem'), key, { mode: 0o600 });
  const plane = stack.use(
    await startBenchProcess({
      ...{ service: 'control-plane', healthPort, profileDir },
      logFile: file('control-plane.log'),
      env: {
        POSTRIDER_KAFKA_BROKERS: stage.bootstrapServers.join(','),
        POSTRIDER_TOPIC_PREFIX: topicPrefix,
        POSTRIDER_PARTITIONS: String(partitions),
        POSTRIDER_GRPC_PORT: String(grpcPort),
        POSTRIDER_GRPC_TLS_CERT_FILE: file('cert.pem'),
        POSTRIDER_GRPC_TLS_KEY_FILE: file('key.pem'),
        POSTRIDER_KEK: kek,
        POSTRIDER_BOOTSTRAP_ADMIN_KEY: apiKey,
      },
    }),
  );
  await plane.until('to lead', async () => (await plane.readiness())?.checks['api']?.detail?.['role'] === 'leader');
  const owned = stack.move();
  const reach = { server: `localhost:${grpcPort}`, apiKey, ca };
  return {
    ...{ process: plane, reach },
    connect: () => owned.use(openPlaneClient(reach.server, apiKey, ca)),
    connectCaller: async () => owned.use(await openPlaneCaller({ port: grpcPort, apiKey, ca })),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
