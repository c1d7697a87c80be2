import { randomBytes } from 'node:crypto';
import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import { Delivery } from '@postrider/contract/postrider/v1/delivery';
import {
  TIERS,
  compareRowVersions,
  createOwnershipFold,
  parseKek,
  readRowVersion,
  webhookId,
  type RowVersionView,
  type Tier,
} from '@postrider/core';
import { DEAD_LETTER_HEADER, DELIVERY_HEADER, ROW_HEADER, header, topicSpecs } from '@postrider/kafka';
import { createFakeClock, createFakeKafka, type FakeKafka, type FakePort } from '@postrider/kafka/testing';
import { recordingLogger } from '@postrider/runtime';
import { startDispatcher, type Dispatcher, type Send, type SendRequest, type SendResult } from '../src/service.ts';
import { createConfigRecords, deliveryRecord, tenant, type TestRecord } from './test-records.ts';

export { signingSecret, tenant } from './test-records.ts';

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
  const records = createConfigRecords(kek, partitions);
  const write = (record: TestRecord): void => void kafka.append('postrider.config', 0, record);
  const config = {
    revision: records.revision,
    endpoint: (...args: Parameters<typeof records.endpoint>) => write(records.endpoint(...args)),
    deleteEndpoint: (id: string) => write(records.deleteEndpoint(id)),
  };
  write(records.layout());
  write(records.tenant());

  const rowFolds = {
    'retry.1m': createRowFold(kafka, 'retry.1m', partitions),
    'retry.1h': createRowFold(kafka, 'retry.1h', partitions),
    'retry.14d': createRowFold(kafka, 'retry.14d', partitions),
  };
  const ownershipFolds = Array.from({ length: partitions }, (_, partition) => createOwnershipFoldOf(kafka, partition));

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
      const topic = bulk ? 'postrider.deliveries.bulk' : 'postrider.deliveries';
      const routed = { endpointRevision: config.revision(), ...delivery };
      const { webhook, ...record } = deliveryRecord(event, endpoint, clock.now(), body, routed);
      kafka.append(topic, partition, record);
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
    rows: (tier: Tier) => [...rowFolds[tier]().values()].flatMap((row) => (row.delivery === null ? [] : [row as Row])),
    allRows: () => TIERS.flatMap((tier) => harness.rows(tier)),
    ownership: (partition = 0) => (ownershipFolds[partition] as (typeof ownershipFolds)[number])(),
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

/** A row, or with delivery null a tombstone. */
interface FoldedRow {
  readonly key: string;
  readonly version: RowVersionView;
  readonly delivery: Delivery | null;
  readonly body: string;
}

/** A row that holds. */
export interface Row extends FoldedRow {
  readonly delivery: Delivery;
}

/** Folds what was added since it was last asked: tests ask at every step. */
function createRowFold(kafka: FakeKafka, tier: Tier, partitions: number) {
  const newest = new Map<string, FoldedRow>();
  const read = new Array<number>(partitions).fill(0);
  const added = (count: number, partition: number) => {
    const records = kafka.records(`postrider.${tier}`, partition).slice(count);
    read[partition] = count + records.length;
    return records;
  };
  return () => {
    for (const record of read.flatMap(added)) {
      const version = readRowVersion(header(record, ROW_HEADER) ?? Buffer.alloc(0));
      const key = record.key?.toString() ?? '';
      const before = newest.get(key);
      if (before !== undefined && compareRowVersions(before.version, version) > 0) continue;
      const bytes = record.value === null ? undefined : header(record, DELIVERY_HEADER);
      const delivery = bytes === undefined ? null : Delivery.decode(bytes);
      newest.set(key, { key, version, delivery, body: record.value?.toString() ?? '' });
    }
    return newest;
  };
}

function createOwnershipFoldOf(kafka: FakeKafka, partition: number) {
  const fold = createOwnershipFold();
  let read = 0;
  return () => {
    const records = kafka.records('postrider.ownership', partition);
    for (const record of records.slice(read)) fold.apply(record);
    read = records.length;
    return fold;
  };
}
