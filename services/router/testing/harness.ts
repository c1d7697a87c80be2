import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { Endpoint, EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { Delivery } from '@postrider/contract/postrider/v1/delivery';
import { Quarantined } from '@postrider/contract/postrider/v1/dead_letter';
import { DELIVERY_HEADER, header, QUARANTINED_HEADER, topicSpecs, type IncomingRecord } from '@postrider/kafka';
import { createFakeClock, createFakeKafka, type FakeKafka, type FakePort } from '@postrider/kafka/testing';
import { recordingLogger } from '@postrider/runtime';
import { readRouterConfig } from '../src/config.ts';
import { startRouter, type Router } from '../src/service.ts';

export const partitions = 4;

/** Writes configuration records as the control plane would. */
function configuration(kafka: FakeKafka) {
  let revision = 0;

  const put = (key: string, entity: ConfigRecord['entity']) => {
    revision += 1;
    const record = ConfigRecord.fromPartial({ key, revision: String(revision), writerEpoch: 0n, schemaVersion: 1 });
    const value = Buffer.from(ConfigRecord.encode({ ...record, entity }).finish());
    kafka.append('postrider.config', 0, { key: Buffer.from(key), value });
  };
  return {
    layout: () => put('layout/current', { $case: 'layout', value: { generation: 1, partitions, slots: 4_096 } }),
    tenant: (id: string) =>
      put(`tenant/${id}`, {
        $case: 'tenant',
        value: {
          tenant: Tenant.fromPartial({ name: `tenants/${id}` }),
          dataKey: undefined,
          createRequestId: '',
          dataKeyId: '',
          dataKeySealTime: undefined,
        },
      }),
    endpoint(tenant: string, id: string, fields: Partial<Endpoint> = {}) {
      const endpoint = Endpoint.fromPartial({
        name: `tenants/${tenant}/endpoints/${id}`,
        uid: `ep_${id}`,
        state: EndpointState.ENABLED,
        revision: String(revision + 1),
        ...fields,
      });
      put(`endpoint/ep_${id}`, {
        $case: 'endpoint',
        value: { endpoint, secrets: [], credentials: {}, cancelsBelow: '', verificationSince: '' },
      });
    },
    unreadableEndpoint(id: string) {
      revision += 1;
      const key = `endpoint/ep_${id}`;
      const newer = ConfigRecord.fromPartial({ key, revision: String(revision), writerEpoch: 0n, schemaVersion: 99 });
      const value = Buffer.from(ConfigRecord.encode(newer).finish());
      kafka.append('postrider.config', 0, { key: Buffer.from(key), value });
    },
    subscription(tenant: string, endpoint: string, id: string, ...eventTypes: string[]) {
      const name = `tenants/${tenant}/endpoints/${endpoint}/subscriptions/${id}`;
      const entity = ConfigRecord.fromPartial({
        entity: { $case: 'subscription', value: { name, uid: `sub_${id}`, endpointUid: `ep_${endpoint}`, eventTypes } },
      }).entity;
      put(`subscription/sub_${id}`, entity);
    },
  };
}

interface EventOptions {
  readonly tenant?: string;
  readonly type?: string;
  readonly body?: string;
  readonly partition?: number;
  /** A header to leave out. */
  readonly drop?: string;
  /** The publisher's own; the broker's when absent. */
  readonly timestamp?: number;
}

/** Publishes one event, as a stranger's producer would; its offset. */
function publish(kafka: FakeKafka, id: string, options: EventOptions): number {
  const { tenant = 'acme', type = 'order.paid', body = `{"id":"${id}"}`, partition = 0, drop, timestamp } = options;
  const attributes: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: id,
    ce_source: '/test',
    ce_type: type,
    ce_tenant: tenant,
    'content-type': 'application/json',
  };
  if (drop !== undefined) delete attributes[drop];
  const headers = Object.fromEntries(Object.entries(attributes).map(([name, text]) => [name, Buffer.from(text)]));
  const own = timestamp === undefined ? {} : { timestamp };
  return kafka.append('postrider.events', partition, { key: null, value: Buffer.from(body), headers, ...own });
}

/** A fake Kafka with Postrider's topics and a configuration written by hand, and routers on it. */
export function createHarness() {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  const log = recordingLogger();
  kafka.createTopics(topicSpecs({ prefix: 'postrider.', partitions, replicationFactor: 1, bodyBytesMax: 262_144 }));
  const harness = {
    clock,
    kafka,
    log,
    ...configuration(kafka),
    publish: (id: string, options: EventOptions = {}) => publish(kafka, id, options),
    async startRouter(clientId: string, env: Record<string, string> = {}): Promise<Router & { port: FakePort }> {
      const port = kafka.connect(clientId);
      const { service } = readRouterConfig({
        POSTRIDER_KAFKA_BROKERS: 'fake:9092',
        POSTRIDER_SESSION_TIMEOUT: '6s',
        ...env,
      });
      const starting = startRouter(
        { ...service, processId: clientId },
        { kafka: port, clock: port.clock, log },
        new AbortController().signal,
      );
      let router: Router | null = null;
      void starting.then((started) => (router = started));
      await clock.advanceUntil(() => router !== null, 'the router has started');
      return Object.assign(await starting, { port });
    },
    /** The deliveries written so far, in the order of their topics. */
    deliveries: () =>
      kafka
        .records('postrider.deliveries')
        .map((record) => ({ record, delivery: Delivery.decode(mustHave(record, DELIVERY_HEADER)) })),
    quarantined: () =>
      kafka
        .records('postrider.quarantine')
        .map((record) => ({ record, ...Quarantined.decode(mustHave(record, QUARANTINED_HEADER)) })),
    committed: (partition = 0) => kafka.committed('postrider.router', 'postrider.events', partition)?.offset ?? null,
    async dispose(router: Router) {
      let over = false;
      const ended = router[Symbol.asyncDispose]().then(() => (over = true));
      await clock.advanceUntil(() => over, 'the router has stopped');
      await ended;
    },
  };
  return harness;
}

export type Harness = ReturnType<typeof createHarness>;

function mustHave(record: IncomingRecord, name: string): Buffer {
  const value = header(record, name);
  if (value === undefined) throw new Error(`the record has no header ${name}`);
  return value;
}
