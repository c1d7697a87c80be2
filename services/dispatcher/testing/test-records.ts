import { randomBytes } from 'node:crypto';
import { dataKeyOf, sealDataKey, sealSigningSecret } from '@postrider/config-view';
import { ConfigRecord, type SealedSecret } from '@postrider/contract/postrider/v1/config';
import { Delivery, DeliveryKind, PriorityClass, RunKind } from '@postrider/contract/postrider/v1/delivery';
import { Endpoint, EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { Drain } from '@postrider/contract/postrider/v1/drain';
import { Pause } from '@postrider/contract/postrider/v1/pause';
import { Secret, deliveryId, pauseIdOf, webhookId, type SealingKey } from '@postrider/core';
import { CONFIG_HEADER, DELIVERY_HEADER, type Headers } from '@postrider/kafka';
import type { TenantState } from '@postrider/contract/postrider/v1/tenant';

/** The secret of every endpoint in these tests, as a receiver knows it. */
export const signingSecret = `whsec_${Buffer.alloc(32, 'postrider').toString('base64')}`;
export const tenant = 'acme';

/** A record to be written as it is. */
export interface TestRecord {
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly headers?: Headers;
}

/** What differs from an enabled endpoint of `tenant`; `cancelsBelow`: of its config record. */
type EndpointFields = Parameters<typeof Endpoint.fromPartial>[0] & {
  readonly cancelsBelow?: string;
  readonly of?: string;
};

/** Makes the records that a control plane would write, with revisions that grow. */
export function createConfigRecords(kek: SealingKey, partitions: number) {
  const dataKeyMaterial = new Secret(randomBytes(32));
  const dataKey = dataKeyOf(dataKeyMaterial);
  let revision = 0;
  const recordOf = (key: string, entity: ConfigRecord['entity']): TestRecord => {
    revision += 1;
    const record = ConfigRecord.fromPartial({ key, revision: String(revision), writerEpoch: 0n, schemaVersion: 1 });
    const value = Buffer.from(ConfigRecord.encode({ ...record, entity }).finish());
    if (entity?.$case !== 'tombstone') return { key: Buffer.from(key), value };
    return { key: Buffer.from(key), value: null, headers: { [CONFIG_HEADER]: value } };
  };
  return {
    revision: () => String(revision),
    layout: () => recordOf('layout/current', { $case: 'layout', value: { generation: 1, partitions, slots: 4_096 } }),
    /** `sealed`: how the tenant's data key is sealed, if not under the key-encryption key. */
    tenant(id: string = tenant, sealed?: (dataKey: Buffer) => SealedSecret, state?: TenantState) {
      const value = {
        tenant: { name: `tenants/${id}`, ...(state === undefined ? {} : { state }) },
        dataKey: sealed?.(dataKeyMaterial.revealBytes()) ?? sealDataKey(dataKeyMaterial, kek, id, randomBytes),
      };
      return recordOf(`tenant/${id}`, ConfigRecord.fromPartial({ entity: { $case: 'tenant', value } }).entity);
    },
    endpoint(id: string, { cancelsBelow = '', of = tenant, ...fields }: EndpointFields = {}) {
      const endpoint = Endpoint.fromPartial({
        name: `tenants/${of}/endpoints/${id}`,
        uid: `ep_${id}`,
        url: `https://hooks.example.com/${id}`,
        state: EndpointState.ENABLED,
        revision: String(revision + 1),
        ...fields,
      });
      const sealed = sealSigningSecret(new Secret(signingSecret), dataKey, of, 'sec_1', randomBytes);
      const secrets = [{ id: 'sec_1', scheme: 'SIGNATURE_SCHEME_STANDARD_V1' as const, sealed }];
      const partial = ConfigRecord.fromPartial({
        entity: { $case: 'endpoint', value: { endpoint, secrets, cancelsBelow } },
      });
      return recordOf(`endpoint/ep_${id}`, partial.entity);
    },
    pause(name: string, fields: Partial<Pause> = {}) {
      const pause = Pause.fromPartial({ name, reason: 'a test', ...fields });
      return recordOf(`pause/${pauseIdOf(pause)}`, { $case: 'pause', value: pause });
    },
    resume: (id: string) => recordOf(`pause/${id}`, { $case: 'tombstone', value: { actor: 'test', time: undefined } }),
    drain: (processId: string) =>
      recordOf(`drain/${processId}`, {
        $case: 'drain',
        value: Drain.fromPartial({ name: `dispatchers/${processId}`, reason: 'a test', actor: 'tester' }),
      }),
    undrain: (processId: string) =>
      recordOf(`drain/${processId}`, { $case: 'tombstone', value: { actor: 'test', time: undefined } }),
    deleteEndpoint: (id: string) =>
      recordOf(`endpoint/ep_${id}`, { $case: 'tombstone', value: { actor: 'test', time: undefined } }),
  };
}

/** A delivery as the router writes it; `fields` replace what the header says. */
export function deliveryRecord(event: string, endpoint: string, now: number, body: string, fields: Partial<Delivery>) {
  const webhook = webhookId(tenant, '/test', event);
  const delivery = Delivery.fromPartial({
    deliveryId: deliveryId(webhook, `ep_${endpoint}`),
    run: { kind: RunKind.FIRST, id: '' },
    kind: DeliveryKind.EVENT,
    webhookId: webhook,
    tenant,
    endpointId: `ep_${endpoint}`,
    event: { id: event, source: '/test', type: 'order.paid', contentType: 'application/json' },
    source: { cluster: 'test', topic: 'postrider.events', partition: 0, offset: 0n, timestamp: new Date(now) },
    firstSeen: new Date(now),
    expiresAt: new Date(now + 14 * 86_400_000),
    priorityClass: PriorityClass.LIVE,
    // Of no layout: tests put their endpoints wherever they like.
    layoutGeneration: 0,
    ...fields,
  });
  const headers = { [DELIVERY_HEADER]: Buffer.from(Delivery.encode(delivery).finish()) };
  return { webhook, key: Buffer.from(`ep_${endpoint}`), value: Buffer.from(body), headers };
}
