import { randomBytes } from 'node:crypto';
import { localKeys } from '@postrider/config-view';
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
import {
  createFakeClock,
  createFakeKafka,
  type FakeClock,
  type FakeKafka,
  type FakePort,
} from '@postrider/kafka/testing';
import { recordingLogger, type Logger, type Metrics, type Spans } from '@postrider/runtime';
import {
  startDispatcher,
  type DoneStore,
  type Dispatcher,
  type DispatcherConfig,
  type EgressPools,
  type Trouble,
  type Send,
  type SendRequest,
  type SendResult,
} from '../src/service.ts';
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

/** How an endpoint answers: a status, at once or later, a whole result, or never. */
export type Answer = number | SendResult | 'hang' | { readonly afterMs: number; readonly status: number };
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

type TopicConfig = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A fake Kafka with Postrider's topics, a configuration, endpoints that answer as told, and dispatchers on it. */
export function createHarness(
  options: {
    readonly partitions?: number;
    /** Replaces settings, by full topic name. */ readonly topicConfig?: TopicConfig;
    /** Topics that an operator has grown, by full name. */ readonly grown?: Readonly<Record<string, number>>;
  } = {},
) {
  const partitions = options.partitions ?? 1;
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  const log = recordingLogger();
  const specs = topicSpecs({ prefix: 'postrider.', partitions, replicationFactor: 1, bodyBytesMax: 262_144 });
  kafka.createTopics(
    specs.map((spec) => ({
      ...spec,
      partitions: options.grown?.[spec.name] ?? spec.partitions,
      config: { ...spec.config, ...options.topicConfig?.[spec.name] },
    })),
  );
  const endpoints = createEndpoints(clock);
  const config = createConfig(kafka, partitions);
  return {
    clock,
    kafka,
    log,
    config,
    receipts: endpoints.receipts,
    endpointsAnswer: endpoints.answer,
    received: endpoints.received,
    ...createProcesses(kafka, clock, log, endpoints.sendOf),
    ...createTopicReaders(kafka, partitions),
    until: (condition: () => boolean, what?: string, limitMs?: number) => clock.advanceUntil(condition, what, limitMs),
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
  };
}

function createConfig(kafka: FakeKafka, partitions: number) {
  const records = createConfigRecords(kek, partitions);
  const write = (record: TestRecord): void => void kafka.append('postrider.config', 0, record);
  write(records.layout());
  write(records.tenant());
  return {
    revision: records.revision,
    tenant: (...args: Parameters<typeof records.tenant>) => write(records.tenant(...args)),
    endpoint: (...args: Parameters<typeof records.endpoint>) => write(records.endpoint(...args)),
    deleteEndpoint: (id: string) => write(records.deleteEndpoint(id)),
    pause: (...args: Parameters<typeof records.pause>) => write(records.pause(...args)),
    resume: (id: string) => write(records.resume(id)),
    drain: (processId: string) => write(records.drain(processId)),
    undrain: (processId: string) => write(records.undrain(processId)),
  };
}

const REACH_MS = 1;
const ANSWER_MS = 5;

/** Endpoints: what reaches them is a receipt, whatever becomes of its answer. */
function createEndpoints(clock: FakeClock) {
  const receipts: Receipt[] = [];
  const times = new Map<string, number>();
  let behaviour: Behaviour = () => 200;

  function receive(request: SendRequest, process: string): Answer {
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
    const key = `${receipt.path} ${receipt.webhookId}`;
    const earlier = times.get(key) ?? 0;
    times.set(key, earlier + 1);
    receipts.push(receipt);
    return behaviour(receipt, earlier);
  }

  return {
    receipts,
    answer: (next: Behaviour) => {
      behaviour = next;
    },
    received: (event: string) => receipts.filter((one) => one.webhookId === webhookId(tenant, '/test', event)),
    /** A process's way out: on its own clock, so that what it sent before it was killed is never answered. */
    sendOf:
      (port: FakePort, process: string): Send =>
      (request, done) => {
        port.clock.after(REACH_MS, () => {
          if (!request.mayStart()) return done(failed('aborted', 'shutdown'));
          const { afterMs, result } = answerOf(receive(request, process), request.totalDeadlineMs);
          port.clock.after(afterMs, () => done(result));
        });
      },
  };
}

function answerOf(answer: Answer, deadlineMs: number): { afterMs: number; result: SendResult } {
  if (answer === 'hang') return { afterMs: deadlineMs, result: failed('total_timeout', 'endpoint', deadlineMs) };
  if (typeof answer === 'number') return { afterMs: ANSWER_MS, result: responded(answer) };
  if ('afterMs' in answer) return { afterMs: answer.afterMs, result: responded(answer.status) };
  return { afterMs: ANSWER_MS, result: answer };
}

function createProcesses(
  kafka: FakeKafka,
  clock: FakeClock,
  log: Logger,
  sendOf: (port: FakePort, process: string) => Send,
) {
  const settings = {
    topicPrefix: 'postrider.',
    keys: localKeys(kek),
    allowHttp: false,
    allowLoopback: false,
    allowCidrs: [],
  };
  return {
    async start(
      processId: string,
      changes: Partial<DispatcherConfig> = {},
      {
        wrapSend = (send: Send) => send,
        ownDoor = false,
        ...more
      }: {
        readonly doneStore?: DoneStore;
        readonly pools?: EgressPools;
        readonly names?: Trouble;
        readonly addressOf?: (host: string) => Promise<string>;
        readonly metrics?: Metrics;
        readonly spans?: Spans;
        readonly wrapSend?: (send: Send) => Send;
        /** Requests really leave, by the dispatcher's own door. */
        readonly ownDoor?: boolean;
      } = {},
    ): Promise<TestDispatcher> {
      const port = kafka.connect(processId);
      const deps = {
        kafka: port,
        clock: port.clock,
        log: log.child({ process: processId }),
        ...(ownDoor ? {} : { send: wrapSend(sendOf(port, processId)) }),
        ...more,
      };
      const config = { ...settings, processId, sessionTimeoutMs: 30_000, contactUrl: '', ...changes };
      const starting = startDispatcher(config, deps, new AbortController().signal);
      let settled = false;
      const seen = (): void => {
        settled = true;
      };
      starting.then(seen, seen);
      await clock.advanceUntil(() => settled, `${processId} has started`);
      return Object.assign(await starting, { port, processId });
    },
    async stop(dispatcher: Dispatcher) {
      let over = false;
      const ended = dispatcher[Symbol.asyncDispose]().then(() => (over = true));
      await clock.advanceUntil(() => over, 'the dispatcher has stopped');
      await ended;
    },
  };
}

/** What stands on the topics. Folds go on from where they were: tests ask at every step. */
function createTopicReaders(kafka: FakeKafka, partitions: number) {
  const rowFolds = {
    'retry.1m': createRowFold(kafka, 'retry.1m', partitions),
    'retry.1h': createRowFold(kafka, 'retry.1h', partitions),
    'retry.14d': createRowFold(kafka, 'retry.14d', partitions),
  };
  const ownershipFolds = Array.from({ length: partitions }, (_, partition) => createOwnershipFoldOf(kafka, partition));
  /** Rows that hold: of each key the record with the newest version. */
  const rows = (tier: Tier) =>
    [...rowFolds[tier]().values()].flatMap((row) => (row.delivery === null ? [] : [row as Row]));
  const ownership = (partition = 0) => (ownershipFolds[partition] as (typeof ownershipFolds)[number])();
  return {
    rows,
    allRows: () => TIERS.flatMap((tier) => rows(tier)),
    ownership,
    /** Below which offset the progress that holds says that everything is done. */
    watermark: (partition = 0, topic = 'deliveries') =>
      ownership(partition).progress?.intake.get(topic)?.watermark ?? 0,
    attempts: () => kafka.records('postrider.attempts').map(({ value }) => Attempt.decode(value as Buffer)),
    /** Operational events, by their type and id, with what they say. */
    operations: () =>
      kafka.records('postrider.operations').map((record) => ({
        type: header(record, 'ce_type')?.toString(),
        id: header(record, 'ce_id')?.toString(),
        data: JSON.parse(record.value?.toString() ?? 'null') as Record<string, unknown>,
      })),
    deadLetters: () =>
      kafka.records('postrider.dead-letters').map((record) => ({
        record,
        letter: DeadLetter.decode(header(record, DEAD_LETTER_HEADER) as Buffer),
      })),
  };
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

export function failed(code: string, owner: 'endpoint' | 'ours' | 'shutdown', totalMs = 5): SendResult {
  return { kind: 'failure', code, owner, message: 'as the test says', timings: { totalMs } };
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
  const read = Array.from({ length: partitions }, () => 0);
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
