/** Several control planes on one in-memory Kafka, and the records on its `config`. */
import { credentials } from '@grpc/grpc-js';
import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { TenantServiceClient } from '@postrider/contract/postrider/v1/tenant_service';
import { recordingLogger } from '@postrider/runtime';
import { startControlPlane } from '../src/service.ts';
import { calls, CONFIG_TOPIC, testConfig } from './harness.ts';
import type { FakeKafka } from '@postrider/kafka/testing';
import type { ControlPlane } from '../src/service.ts';

/** The records of `config`, decoded: value or header. */
export function recordsOf(kafka: FakeKafka): ConfigRecord[] {
  return kafka
    .records(CONFIG_TOPIC)
    .map(({ value, headers }) => ConfigRecord.decode(value ?? (headers['postrider-config'] as Buffer)));
}

export function writeAs(
  kafka: FakeKafka,
  plane: ControlPlane,
  key: string,
  entity: ConfigRecord['entity'],
  epoch?: number,
): number {
  const { writer, revision } = plane.view.snapshot();
  const record: ConfigRecord = {
    key,
    revision: String(BigInt(revision) + 100n),
    writerEpoch: BigInt(epoch ?? writer?.epoch ?? 0),
    schemaVersion: 1,
    time: undefined,
    actor: 'stranger',
    entity,
  };
  const value = Buffer.from(ConfigRecord.encode(record).finish());
  return kafka.append(CONFIG_TOPIC, 0, { key: Buffer.from(key), value });
}

export function startOn(kafka: FakeKafka, processId: string) {
  const port = kafka.connect(processId);
  const config = testConfig({ processId });
  const log = recordingLogger();
  const stopping = new AbortController();
  const starting = startControlPlane(config, { kafka: port, clock: port.clock, log }, stopping.signal);
  starting.catch(() => {});
  return { port, log, starting, stopping };
}

/** Calls of tenants at one replica. */
export function tenantsOf(plane: ControlPlane) {
  const client = new TenantServiceClient(`127.0.0.1:${plane.port}`, credentials.createInsecure());
  return { tenants: calls(client), [Symbol.dispose]: () => client.close() };
}

export const creation = (tenantId: string) => ({ tenantId, tenant: undefined, requestId: tenantId });
