/** Records of the `config` topic for tests of this package. */
import { ApiKeyConfig, ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { Endpoint, EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { Pause } from '@postrider/contract/postrider/v1/pause';
import { Subscription, SubscriptionState } from '@postrider/contract/postrider/v1/subscription';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { CONFIG_HEADER } from '@postrider/kafka';
import type { IncomingRecord } from '@postrider/kafka';

/** A record that gets its offset when it is written. */
export interface TestRecord {
  placed(offset: number): IncomingRecord;
}

type Entity = ConfigRecord['entity'];

export function configRecord(
  key: string,
  epoch: number,
  revision: number,
  entity: Entity,
  changes: Partial<ConfigRecord> = {},
): TestRecord {
  return record(key, encode(key, epoch, revision, entity, changes), {});
}

export function deletionRecord(key: string, epoch: number, revision: number): TestRecord {
  const header = encode(key, epoch, revision, { $case: 'tombstone', value: { actor: 'test', time: undefined } });
  return record(key, null, { [CONFIG_HEADER]: header });
}

/** What a tool that knows nothing of Postrider writes to delete a key. */
export function plainNull(key: string): TestRecord {
  return record(key, null, {});
}

export function claimRecord(revision: number, processId = 'process'): TestRecord {
  return configRecord('writer/current', 0, revision, {
    $case: 'writer',
    value: { processId, randomId: Buffer.alloc(16, 1), address: '' },
  });
}

export function tenantEntity(id: string, displayName = ''): NonNullable<Entity> {
  const tenant = Tenant.fromPartial({ name: `tenants/${id}`, displayName });
  return {
    $case: 'tenant',
    value: { tenant, dataKey: undefined, createRequestId: '', dataKeyId: '', dataKeySealTime: undefined },
  };
}

export function endpointEntity(tenant: string, uid: string, url = 'https://a.example', id = uid): NonNullable<Entity> {
  const name = `tenants/${tenant}/endpoints/${id}`;
  const endpoint = Endpoint.fromPartial({ name, uid, url, state: EndpointState.ENABLED });
  return {
    $case: 'endpoint',
    value: { endpoint, secrets: [], credentials: {}, cancelsBelow: '', verificationSince: '' },
  };
}

export function subscriptionEntity(
  tenant: string,
  endpoint: string,
  uid: string,
  eventTypes: readonly string[] = ['*'],
): NonNullable<Entity> {
  const value = Subscription.fromPartial({
    name: `tenants/${tenant}/endpoints/${endpoint}/subscriptions/${uid}`,
    uid,
    endpointUid: endpoint,
    eventTypes: [...eventTypes],
    state: SubscriptionState.ACTIVE,
  });
  return { $case: 'subscription', value };
}

export function layoutEntity(partitions: number): NonNullable<Entity> {
  return { $case: 'layout', value: { generation: 1, partitions, slots: 4096 } };
}

export function apiKeyEntity(id: string): NonNullable<Entity> {
  const value = { ...ApiKeyConfig.fromPartial({ id, role: 'admin' }), hash: Buffer.alloc(32) };
  return { $case: 'apiKey', value };
}

export function pauseEntity(name: string, endpointUid: string): NonNullable<Entity> {
  return { $case: 'pause', value: Pause.fromPartial({ name, endpointUid, reason: 'a test' }) };
}

function encode(
  key: string,
  epoch: number,
  revision: number,
  entity: Entity,
  changes: Partial<ConfigRecord> = {},
): Buffer {
  const config = ConfigRecord.fromPartial({
    key,
    revision: String(revision),
    writerEpoch: BigInt(epoch),
    schemaVersion: 1,
    actor: 'test',
  });
  return Buffer.from(ConfigRecord.encode({ ...config, entity, ...changes }).finish());
}

function record(key: string, value: Buffer | null, headers: Record<string, Buffer>): TestRecord {
  return {
    placed: (offset) => ({
      topic: 'postrider.config',
      partition: 0,
      offset,
      timestamp: 0,
      key: Buffer.from(key),
      value,
      headers,
    }),
  };
}
