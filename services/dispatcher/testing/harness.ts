import { randomBytes } from 'node:crypto';
import { dataKeyOf, sealDataKey, sealSigningSecret } from '@postrider/config-view';
import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import { Delivery, DeliveryKind, PriorityClass, RunKind } from '@postrider/contract/postrider/v1/delivery';
import { Endpoint, EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import {
  Secret,
  compareRowVersions,
  createOwnershipFold,
  deliveryId,
  parseKek,
  readRowVersion,
  webhookId,
  type RowVersionView,
  type Tier,
} from '@postrider/core';
import { CONFIG_HEADER, DEAD_LETTER_HEADER, DELIVERY_HEADER, ROW_HEADER, header, topicSpecs } from '@postrider/kafka';
import { createFakeClock, createFakeKafka, type FakePort } from '@postrider/kafka/testing';
import { recordingLogger } from '@postrider/runtime';
import { startDispatcher, type Dispatcher, type Send, type SendRequest, type SendResult } from '../src/service.ts';

/** The secret of every endpoint here, as a receiver knows it. */
export const signingSecret = `whsec_${Buffer.alloc(32, 'postrider').toString('base64')}`;
export const tenant = 'acme';

/** A request as an endpoint saw it. */
export interface Receipt {
  readonly process: string;
  /** Wall clock when it arrived. */
  readonly at: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly webhookId: string;
  readonly attempt: number;
}

/** How an endpoint answers: a status, a whole result, or never. */
export type Answer = number | SendResult | 'hang';
export type Behaviour = (receipt: Receipt, earlier: number) => Answer;

/** A dispatcher in a process of its own, which can be killed or stopped. */
export interface TestDispatcher extends Dispatcher {
  readonly port: FakePort;
  readonly processId: string;
}

const kek = parseKek(randomBytes(32).toString('hex'));
const dataKeyMaterial = new Secret(randomBytes(32));
const dataKey = dataKeyOf(dataKeyMaterial);
const requestHeadersOf = ({ headers }: SendRequest): Record<string, string> => {
  const named: Record<string, string> = {};
  for (let i = 0; i + 1 < headers.length; i += 2) named[headers[i] ?? ''] = headers[i + 1] ?? '';
  return named;
};

/** A fake Kafka with Postrider's topics, a configuration, endpoints that answer as told, and dispatchers on it. */
export function createHarness(options: { readonly partitions?: number } = {}) {
  const partitions = options.partitions ?? 1;
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  const log = recordingLogger();
  const receipts: Receipt[] = [];
  let behaviour: Behaviour = () => 200;
  let latencyMs = 5;
  kafka.createTopics(topicSpecs({ prefix: 'postrider.', partitions, replicationFactor: 1, bodyBytesMax: 262_144 }));
  const config = configWriter(kafka, partitions);
  config.layout();
  config.tenant();

  /** Endpoints: what reaches them is a receipt, whatever becomes of its answer. */
  const sendOf = (port: FakePort, process: string): Send => {
    return (request, done) => {
      port.clock.after(1, () => {
        if (!request.mayStart()) return done(failed('aborted', 'shutdown'));
        const headers = requestHeadersOf(request);
        const receipt: Receipt = {
          process,
          at: clock.now(),
          path: request.path,
          headers,
          body: request.body.toString(),
          webhookId: headers['webhook-id'] ?? '',
          attempt: Number(headers['postrider-attempt']),
        };
        const earlier = receipts.filter(
          (one) => one.webhookId === receipt.webhookId && one.path === receipt.path,
        ).length;
        receipts.push(receipt);
        const answer = behaviour(receipt, earlier);
        if (answer === 'hang') {
          port.clock.after(request.totalDeadlineMs, () => done(failed('total_timeout', 'endpoint')));
          return;
        }
        port.clock.after(latencyMs, () => done(typeof answer === 'number' ? responded(answer) : answer));
      });
    };
  };

  const harness = {
    clock,
    kafka,
    log,
    receipts,
    config,
    endpointsAnswer: (answer: Behaviour) => {
      behaviour = answer;
    },
    latency: (ms: number) => {
      latencyMs = ms;
    },
    /** Writes a delivery as the router does. */
    deliver(
      event: string,
      endpoint: string,
      fields: Partial<Delivery> & { bulk?: boolean; partition?: number; body?: string } = {},
    ) {
      const { bulk = false, partition = 0, body = `{"id":"${event}"}`, ...delivery } = fields;
      const webhook = webhookId(tenant, '/test', event);
      const encoded = Delivery.encode(
        Delivery.fromPartial({
          deliveryId: deliveryId(webhook, `ep_${endpoint}`),
          run: { kind: RunKind.FIRST, id: '' },
          kind: DeliveryKind.EVENT,
          webhookId: webhook,
          tenant,
          endpointId: `ep_${endpoint}`,
          endpointRevision: config.revision(),
          event: { id: event, source: '/test', type: 'order.paid', contentType: 'application/json' },
          source: {
            cluster: 'fake',
            topic: 'postrider.events',
            partition: 0,
            offset: 0n,
            timestamp: new Date(clock.now()),
          },
          firstSeen: new Date(clock.now()),
          expiresAt: new Date(clock.now() + 14 * 86_400_000),
          priorityClass: PriorityClass.LIVE,
          layoutGeneration: 1,
          ...delivery,
        }),
      ).finish();
      const topic = bulk ? 'postrider.deliveries.bulk' : 'postrider.deliveries';
      const headers = { [DELIVERY_HEADER]: Buffer.from(encoded) };
      kafka.append(topic, partition, { key: Buffer.from(`ep_${endpoint}`), value: Buffer.from(body), headers });
      return webhook;
    },
    async start(processId: string, overrides: { readonly sessionTimeoutMs?: number } = {}): Promise<TestDispatcher> {
      const port = kafka.connect(processId);
      const starting = startDispatcher(
        {
          processId,
          topicPrefix: 'postrider.',
          kek,
          allowHttp: false,
          allowLoopback: false,
          allowCidrs: [],
          sessionTimeoutMs: overrides.sessionTimeoutMs ?? 30_000,
          contactUrl: '',
        },
        { kafka: port, clock: port.clock, log: log.child({ process: processId }), send: sendOf(port, processId) },
        new AbortController().signal,
      );
      let dispatcher: Dispatcher | null = null;
      starting.then(
        (started) => (dispatcher = started),
        () => undefined,
      );
      await clock.advanceUntil(() => dispatcher !== null, `${processId} has started`);
      return Object.assign(await starting, { port, processId });
    },
    async stop(dispatcher: Dispatcher) {
      let over = false;
      const ended = dispatcher[Symbol.asyncDispose]().then(() => (over = true));
      await clock.advanceUntil(() => over, 'the dispatcher has stopped');
      await ended;
    },
    /** Every partition is served and every tier is loaded. */
    async serving(count = partitions) {
      const loaded = () =>
        log.lines.filter(
          ({ message, fields }) => message === 'partition.tier-loaded' && fields['tier'] === 'retry.14d',
        );
      await clock.advanceUntil(() => loaded().length >= count, `${count} partitions are loaded`);
    },
    until: (condition: () => boolean, what?: string, limitMs?: number) => clock.advanceUntil(condition, what, limitMs),
    attempts: () => kafka.records('postrider.attempts').map(({ value }) => Attempt.decode(value as Buffer)),
    deadLetters: () =>
      kafka.records('postrider.dead-letters').map((record) => ({
        record,
        letter: DeadLetter.decode(header(record, DEAD_LETTER_HEADER) as Buffer),
      })),
    /** Rows that hold in a tier: of each key the record with the newest version. */
    rows: (tier: Tier) => rowsOf(kafka, tier),
    allRows: () => (['retry.1m', 'retry.1h', 'retry.14d'] as const).flatMap((tier) => rowsOf(kafka, tier)),
    ownership(partition = 0) {
      const fold = createOwnershipFold();
      for (const record of kafka.records('postrider.ownership', partition)) fold.apply(record);
      return fold;
    },
    /** What the progress that holds says is done; Infinity bounds are not used: exact watermark. */
    watermark: (partition = 0, topic = 'deliveries') =>
      harness.ownership(partition).progress?.intake.get(topic)?.watermark ?? 0,
    received: (event: string, endpoint?: string) =>
      receipts.filter(
        (one) =>
          one.webhookId === webhookId(tenant, '/test', event) &&
          (endpoint === undefined || one.path === `/${endpoint}`),
      ),
  };
  return harness;
}

export type Harness = ReturnType<typeof createHarness>;

export function responded(status: number, headers: readonly string[] = []): SendResult {
  return {
    kind: 'response',
    status,
    headers,
    timings: { totalMs: 5 },
    excerpt: Buffer.from('ok'),
    sourceAddress: '192.0.2.1',
  };
}

export function failed(code: string, owner: 'endpoint' | 'ours' | 'shutdown'): SendResult {
  return { kind: 'failure', code, owner, message: 'as the test says', timings: { totalMs: 5 } };
}

function rowsOf(kafka: ReturnType<typeof createFakeKafka>, tier: Tier) {
  const newest = new Map<string, { version: RowVersionView; delivery: Delivery | null; body: string }>();
  for (const record of kafka.records(`postrider.${tier}`)) {
    const version = readRowVersion(header(record, ROW_HEADER) as Buffer);
    const key = record.key?.toString() ?? '';
    const before = newest.get(key);
    if (before !== undefined && compareRowVersions(before.version, version) > 0) continue;
    const delivery = record.value === null ? null : Delivery.decode(header(record, DELIVERY_HEADER) as Buffer);
    newest.set(key, { version, delivery, body: record.value?.toString() ?? '' });
  }
  return [...newest].flatMap(([key, { delivery, body, version }]) =>
    delivery === null ? [] : [{ key, delivery, body, version }],
  );
}

function configWriter(kafka: ReturnType<typeof createFakeKafka>, partitions: number) {
  let revision = 0;
  const put = (key: string, entity: ConfigRecord['entity']) => {
    revision += 1;
    const record = ConfigRecord.fromPartial({ key, revision: String(revision), writerEpoch: 0n, schemaVersion: 1 });
    const value = Buffer.from(ConfigRecord.encode({ ...record, entity }).finish());
    if (entity?.$case !== 'tombstone') kafka.append('postrider.config', 0, { key: Buffer.from(key), value });
    else
      kafka.append('postrider.config', 0, { key: Buffer.from(key), value: null, headers: { [CONFIG_HEADER]: value } });
  };
  return {
    revision: () => String(revision),
    layout: () => put('layout/current', { $case: 'layout', value: { generation: 1, partitions, slots: 4_096 } }),
    tenant: () =>
      put(`tenant/${tenant}`, {
        $case: 'tenant',
        value: {
          ...ConfigRecord.fromPartial({ entity: { $case: 'tenant', value: { tenant: { name: `tenants/${tenant}` } } } })
            .entity?.value,
          dataKey: sealDataKey(dataKeyMaterial, kek, tenant, randomBytes),
        } as never,
      }),
    endpoint(id: string, fields: Parameters<typeof Endpoint.fromPartial>[0] = {}) {
      const endpoint = Endpoint.fromPartial({
        name: `tenants/${tenant}/endpoints/${id}`,
        uid: `ep_${id}`,
        url: `https://hooks.example.com/${id}`,
        state: EndpointState.ENABLED,
        revision: String(revision + 1),
        ...fields,
      });
      const sealed = sealSigningSecret(new Secret(signingSecret), dataKey, tenant, 'sec_1', randomBytes);
      const entity = ConfigRecord.fromPartial({
        entity: {
          $case: 'endpoint',
          value: { endpoint, secrets: [{ id: 'sec_1', scheme: 'SIGNATURE_SCHEME_STANDARD_V1', sealed }] },
        },
      }).entity;
      put(`endpoint/ep_${id}`, entity);
    },
    deleteEndpoint: (id: string) =>
      put(`endpoint/ep_${id}`, { $case: 'tombstone', value: { actor: 'test', time: undefined } }),
  };
}
