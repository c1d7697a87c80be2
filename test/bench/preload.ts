import { hash } from 'node:crypto';
import { partitionOf, webhookId } from '@postrider/core';
import { deliveryRecord, routableEvent } from '../../services/router/src/delivery-record.ts';
import type { Addressee, Destination, RoutableEvent } from '../../services/router/src/delivery-record.ts';
import type { KafkaPort } from '@postrider/kafka';
import type { BenchEndpoint } from './bench-config.ts';

export interface PreloadOptions {
  readonly kafka: KafkaPort;
  readonly topicPrefix: string;
  readonly partitions: number;
  readonly endpoints: readonly BenchEndpoint[];
  readonly bodyBytes: number;
  /** Deliveries to write at least: one event goes to every endpoint. */
  readonly count: number;
  /** Number of the first event; events before it were written earlier. */
  readonly firstEvent: number;
}

/** What was written to `deliveries`. */
export interface Preloaded {
  readonly deliveries: number;
  readonly events: number;
  readonly byPartition: readonly number[];
}

/** Records that are written and not acknowledged yet, at most. */
const BACKLOG_MAX = 20_000;
const BACKLOG_RESUME = 10_000;
const RETRY_SPAN_MS = 3 * 86_400_000;

/** Writes deliveries as the router does, event by event, each to all endpoints; resolves when all are acknowledged. */
export async function preloadDeliveries(options: PreloadOptions): Promise<Preloaded> {
  const { kafka, partitions, endpoints, bodyBytes, count } = options;
  const destination = destinationOf(options.topicPrefix, partitions);
  await using producer = kafka.producer({ name: 'bench-preload', batchRecordsMax: 2_000 });
  const byPartition = Array.from({ length: partitions }, () => 0);
  const failures: Error[] = [];
  let resume: (() => void) | null = null;
  const done = (error: Error | null): void => {
    if (error !== null) failures.push(error);
    if (producer.backlog.records > BACKLOG_RESUME) return;
    resume?.();
    resume = null;
  };
  const events = Math.ceil(count / endpoints.length);
  for (let index = 0; index < events; index += 1) {
    const number = options.firstEvent + index;
    const body = benchBody(number, bodyBytes);
    for (const endpoint of endpoints) {
      const { uid, tenant } = endpoint;
      producer.enqueue(deliveryRecord(benchEvent(number, body, tenant), addresseeOf(endpoint), destination), done);
      byPartition[partitionOf(uid, partitions)]! += 1;
    }
    if (producer.backlog.records > BACKLOG_MAX) await new Promise<void>((resolve) => void (resume = resolve));
    if (failures[0] !== undefined) throw failures[0];
  }
  await producer.flush();
  if (failures[0] !== undefined) throw failures[0];
  return { deliveries: events * endpoints.length, events, byPartition };
}

/** An endpoint as the router addresses it. */
export function addresseeOf({ uid, revision }: BenchEndpoint): Addressee {
  return {
    ...{ endpointUid: uid, endpointRevision: revision, subscriptionUids: [] },
    ...{ retrySpanMs: RETRY_SPAN_MS, ordering: undefined },
  };
}

/** Where the records of an installation with these partitions go. */
export function destinationOf(topicPrefix: string, partitions: number): Destination {
  return { topicPrefix, layout: { generation: 1, partitions } };
}

/** An event of a tenant as the router hands it on. */
export function benchEvent(index: number, body: Buffer, tenant: string): RoutableEvent {
  const now = new Date();
  const attributes = {
    ...{ id: `event-${index}`, source: '/bench/dispatch', type: 'bench.measured', subject: '' },
    ...{ time: now.toISOString(), contentType: 'application/json', dataSchema: '', extensions: {} },
  };
  const source = {
    ...{ cluster: 'bench', topic: 'events', partition: 0, offset: BigInt(index), timestamp: now },
    bodySha256: hash('sha256', body, 'buffer'),
  };
  const webhook = webhookId(tenant, attributes.source, attributes.id);
  const trace = { traceparent: '', tracestate: '', hopCount: 0 };
  return routableEvent({ webhookId: webhook, tenant, attributes, source, firstSeen: now.getTime(), ...trace }, body);
}

/** JSON of exactly that many bytes. */
export function benchBody(index: number, bytes: number): Buffer {
  const head = `{"number":${index},"padding":"`;
  return Buffer.from(`${head}${'a'.repeat(bytes - head.length - 2)}"}`);
}
