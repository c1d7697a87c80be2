import type { QuarantineReason } from '@postrider/contract/postrider/v1/dead_letter';
import { noSpans, type Logger, type Metrics, type Spans } from '@postrider/runtime';
import type { IncomingRecord, TopicPartitionOffset } from '@postrider/kafka';

/** What happens in a router, each told once to metrics and log together. */
export interface RouterEvents {
  /** An event was matched; `deliveries` is how many endpoints it is for. */
  eventRouted(deliveries: number, event: RoutedEvent): void;
  eventQuarantined(record: IncomingRecord, reason: QuarantineReason, detail: string): void;
  /** A record without a value: nothing to deliver. */
  tombstoneSkipped(): void;
  writeRefused(error: Error): void;
  commitFailed(error: Error): void;
  offsetOutOfRange(position: TopicPartitionOffset): void;
  readingTroubled(error: Error): void;
  partitionsAssigned(count: number): void;
}

/** What a trace tells of an event that was routed. */
export interface RoutedEvent {
  readonly traceparent: string;
  readonly tracestate: string;
  readonly tenant: string;
  /** When it was stored, and when it was routed (ms since the Unix epoch). */
  readonly storedAt: number;
  readonly routedAt: number;
}

/** Tells the events to `log` and `metrics`. */
export function routerEvents(log: Logger, metrics: Metrics, spans: Spans = noSpans): RouterEvents {
  const routed = metrics.counter('postrider_router_events', 'Events read, by what became of them', ['result']);
  const quarantined = metrics.counter('postrider_router_quarantined', 'Events that could not be read', ['reason']);
  const deliveries = metrics.counter('postrider_router_deliveries', 'Deliveries written').with({});
  const trouble = metrics.counter('postrider_router_trouble', 'Failures of our own side, by kind', ['kind']);
  return {
    eventRouted(count, { storedAt, routedAt, tenant, ...origin }) {
      routed.with({ result: count === 0 ? 'unmatched' : 'matched' }).add();
      deliveries.add(count);
      if (!spans.on || origin.traceparent === '') return;
      spans.add({
        ...{ name: 'postrider route', kind: 'consumer', linked: false, ...origin },
        ...{ startedAt: Math.min(storedAt, routedAt), endedAt: routedAt },
        attributes: { 'postrider.tenant': tenant, 'postrider.deliveries': count },
      });
    },
    eventQuarantined({ topic, partition, offset }, reason, detail) {
      routed.with({ result: 'quarantined' }).add();
      quarantined.with({ reason }).add();
      log.warn({ topic, partition, offset, reason, detail }, 'event quarantined');
    },
    tombstoneSkipped: () => routed.with({ result: 'tombstone' }).add(),
    writeRefused(error) {
      trouble.with({ kind: 'write-refused' }).add();
      log.error({ error }, 'Kafka refused a record; it is tried again');
    },
    commitFailed(error) {
      trouble.with({ kind: 'commit' }).add();
      log.warn({ error }, 'offsets could not be committed; what was routed since may be routed again after a restart');
    },
    offsetOutOfRange(position) {
      trouble.with({ kind: 'out-of-range' }).add();
      log.error({ ...position }, 'events are gone: the offset to read from does not exist any more');
    },
    readingTroubled(error) {
      trouble.with({ kind: 'reading' }).add();
      log.warn({ error }, 'reading from Kafka is interrupted');
    },
    partitionsAssigned: (count) => log.info({ partitions: count }, 'source partitions assigned'),
  };
}
