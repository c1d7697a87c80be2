import { randomBytes } from 'node:crypto';
import {
  CONFIG_SCHEMA_VERSION,
  LAYOUT_KEY,
  WRITER_KEY,
  configKey,
  dataKeyOf,
  sealDataKey,
  sealSigningSecret,
  startConfigView,
  type ConfigEntity,
} from '@postrider/config-view';
import { ConfigRecord, type EndpointConfig } from '@postrider/contract/postrider/v1/config';
import { Endpoint, EndpointState, SignatureScheme } from '@postrider/contract/postrider/v1/endpoint';
import { Subscription, SubscriptionState } from '@postrider/contract/postrider/v1/subscription';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { generateDataKey, generateSigningSecret, limits, newUid, partitionOf, type SealingKey } from '@postrider/core';
import { silentLogger, systemClock } from '@postrider/runtime';
import type { KafkaPort } from '@postrider/kafka';

const TENANTS = 10;

/** An endpoint that stands on `config`. */
export interface BenchEndpoint {
  readonly uid: string;
  readonly tenant: string;
  readonly revision: string;
}

export interface BenchConfigOptions {
  readonly kafka: KafkaPort;
  /** Full name of the `config` topic. */
  readonly topic: string;
  readonly kek: SealingKey;
  readonly partitions: number;
  readonly endpoints: number;
  readonly sinkPort: number;
  /** What is special of an endpoint, by its number. */
  readonly planOf?: (index: number) => EndpointPlan;
}

/** What an endpoint differs in from one at the sink, of the next of ten tenants, that subscribes to nothing. */
export interface EndpointPlan {
  /** Number of its tenant. */
  readonly tenant?: number;
  readonly port?: number;
  readonly fields?: Parameters<typeof Endpoint.fromPartial>[0];
  readonly eventTypes?: readonly string[];
  /** The only partition that it may fall into. */
  readonly partition?: number;
}

/**
 * Writes what the control plane would: a writer's claim, the layout, tenants with their sealed data keys and endpoints with
 * their sealed signing secrets. Then reads it as every service does, and rejects if anything in it did not take effect.
 */
export async function writeBenchConfig(options: BenchConfigOptions): Promise<readonly BenchEndpoint[]> {
  const { kafka, topic, partitions } = options;
  await using producer = kafka.producer({ name: 'bench-config' });
  let revision = 0;
  const writes: Promise<unknown>[] = [];
  const put = (key: string, entity: (revision: string) => ConfigEntity): string => {
    const own = String((revision += 1));
    const record = ConfigRecord.fromPartial({
      key,
      revision: own,
      schemaVersion: CONFIG_SCHEMA_VERSION,
      actor: 'bench',
    });
    const value = Buffer.from(ConfigRecord.encode({ ...record, entity: entity(own) }).finish());
    writes.push(producer.send({ topic, partition: 0, key: Buffer.from(key), value }));
    return own;
  };
  put(WRITER_KEY, () => ({ $case: 'writer', value: { processId: 'bench', randomId: randomBytes(16), address: '' } }));
  put(LAYOUT_KEY, () => ({ $case: 'layout', value: { generation: 1, partitions, slots: limits.slots } }));
  const tenants = Array.from({ length: Math.min(TENANTS, options.endpoints) }, (_, index) => {
    const id = `tenant-${index}`;
    const dataKey = generateDataKey(randomBytes);
    const sealed = sealDataKey(dataKey, options.kek, id, randomBytes);
    const tenant = Tenant.fromPartial({ name: `tenants/${id}` });
    put(configKey('tenant', id), () => ({
      $case: 'tenant',
      value: { tenant, dataKey: sealed, createRequestId: '', dataKeyId: '', dataKeySealTime: undefined },
    }));
    return { id, dataKey: dataKeyOf(dataKey) };
  });
  const endpoints = Array.from({ length: options.endpoints }, (_, index): BenchEndpoint => {
    const plan = options.planOf?.(index) ?? {};
    const { tenant: place = index, port = options.sinkPort, fields = {}, eventTypes } = plan;
    const tenant = tenants[place % tenants.length] as (typeof tenants)[number];
    const uid = uidIn(plan.partition, partitions);
    const url = `http://127.0.0.1:${port}/e${index}`;
    const own = put(configKey('endpoint', uid), (at) => ({
      $case: 'endpoint',
      value: endpointConfig({ uid, url, revision: at, tenant: tenant.id, dataKey: tenant.dataKey, fields }),
    }));
    if (eventTypes !== undefined) {
      const subscription = newUid('sub', randomBytes);
      put(configKey('subscription', subscription), (at) => ({
        $case: 'subscription',
        value: Subscription.fromPartial({
          name: `tenants/${tenant.id}/endpoints/${uid}/subscriptions/${subscription}`,
          ...{ uid: subscription, endpointUid: uid, eventTypes: [...eventTypes], revision: at },
          state: SubscriptionState.ACTIVE,
        }),
      }));
    }
    return { uid, tenant: tenant.id, revision: own };
  });
  await Promise.all(writes);
  await checkReadable(options, endpoints);
  return endpoints;
}

/** A new uid, of that partition if one is given. */
function uidIn(partition: number | undefined, partitions: number): string {
  for (;;) {
    const uid = newUid('ep', randomBytes);
    if (partition === undefined || partitionOf(uid, partitions) === partition) return uid;
  }
}

interface NewEndpoint {
  readonly uid: string;
  readonly url: string;
  readonly revision: string;
  readonly tenant: string;
  readonly dataKey: SealingKey;
  readonly fields: NonNullable<EndpointPlan['fields']>;
}

function endpointConfig({ uid, url, revision, tenant, dataKey, fields }: NewEndpoint): EndpointConfig {
  const secretId = newUid('sec', randomBytes);
  const secret = generateSigningSecret('v1', randomBytes);
  const sealed = sealSigningSecret(secret, dataKey, tenant, secretId, randomBytes);
  const now = new Date();
  return {
    endpoint: Endpoint.fromPartial({
      name: `tenants/${tenant}/endpoints/${uid}`,
      uid,
      url,
      state: EndpointState.ENABLED,
      signing: { scheme: SignatureScheme.STANDARD_V1 },
      createTime: now,
      updateTime: now,
      enableTime: now,
      revision,
      ...fields,
    }),
    secrets: [
      { id: secretId, scheme: SignatureScheme.STANDARD_V1, sealed, createTime: now, expireTime: undefined, ...noted },
    ],
    credentials: {},
    cancelsBelow: '',
    verificationSince: '',
  };
}

const noted = { fingerprintEnd: '', publicKey: '', imported: false, createRequestId: '' };

async function checkReadable({ kafka, topic }: BenchConfigOptions, endpoints: readonly BenchEndpoint[]): Promise<void> {
  await using view = await startConfigView({ kafka, topic, log: silentLogger, clock: systemClock });
  const snapshot = view.snapshot();
  const [problem] = snapshot.problems();
  if (problem !== undefined) throw new Error(`${problem.key} on config did not take effect: ${problem.detail}`);
  const missing = endpoints.filter(({ uid }) => snapshot.endpoint(uid) === undefined);
  if (missing.length > 0 || snapshot.layout === null) {
    throw new Error(
      `${missing.length} endpoints and ${snapshot.layout === null ? 'the' : 'no'} layout are missing on config`,
    );
  }
}
