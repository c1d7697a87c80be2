import { limits } from '@postrider/core';
import type { TopicSpec } from './port.ts';

/** The topics that Postrider declares, by the last part of their names. */
export type TopicId =
  | 'events'
  | 'deliveries'
  | 'deliveries.bulk'
  | 'retry.1m'
  | 'retry.1h'
  | 'retry.14d'
  | 'ownership'
  | 'dead-letters'
  | 'attempts'
  | 'quarantine'
  | 'operations'
  | 'config'
  | 'audit';

/**
 * How the partition of a record is chosen:
 * - `slot`: slot of the endpoint id, modulo P of the layout record (never a count from broker metadata);
 * - `delivery-id`, `endpoint-id`: stable hash of the id, modulo the declared count;
 * - `source-partition`: the source record's partition, modulo the declared count;
 * - `single`: there is one partition;
 * - `publisher`: the publisher's own business.
 */
export type PartitionBy = 'slot' | 'delivery-id' | 'endpoint-id' | 'source-partition' | 'single' | 'publisher';

export interface TopicDeclaration {
  readonly id: TopicId;
  /** `layout`: P of the layout record. */
  readonly partitions: number | 'layout';
  readonly partitionBy: PartitionBy;
  readonly policy: 'delete' | 'compact' | 'compact,delete';
  /** Absent for topics that are only compacted. */
  readonly retentionMs?: number;
  /** `ownership` and the tiers: what is younger is never compacted away, so that a late write is still seen. */
  readonly compactionLagMinMs?: number;
  /** Largest age of a segment before compaction may look at it. */
  readonly segmentMs?: number;
  /** How long a tombstone can still be seen: whoever starts to read later never hears of the deletion. Kafka's own 24 h when absent. */
  readonly tombstonesMs?: number;
  /** Whether records carry a body, or several: their largest size follows the body limit. */
  readonly carriesBody: boolean;
  /** What the topic must keep at least (ms). Absent: losing old records harms no promise. */
  readonly retentionLeastMs?: (asked: AskedRetention) => number;
}

/** What is asked of how long topics keep. */
export interface AskedRetention {
  /** The longest time that a delivery may be retried for. */
  readonly retrySpanMs: number;
  /** How long the audit is kept; absent: as limits.ts of core says. */
  readonly auditRetentionMs?: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** `max.message.bytes` must exceed the largest body by this: delivery header, key, other headers, batch overhead. */
export const RECORD_OVERHEAD_BYTES_MIN = 64 * 1024;
/** What topics are created with on top of the body limit; more than the least, so that a dead letter's last attempt fits too. */
const RECORD_OVERHEAD_BYTES = 256 * 1024;
/** Kafka's own default `max.message.bytes`; no topic is created with less. */
const MESSAGE_BYTES_DEFAULT = 1_048_588;
/** Retention of what waits = longest retry span + this. */
export const RETENTION_MARGIN_MS = 3 * DAY_MS;

const slotted = { partitions: 'layout', partitionBy: 'slot' } as const;
const tier = {
  ...slotted,
  policy: 'compact,delete',
  retentionMs: 21 * DAY_MS,
  compactionLagMinMs: DAY_MS,
  segmentMs: 6 * HOUR_MS,
  carriesBody: true,
  retentionLeastMs: ({ retrySpanMs }: AskedRetention) => retrySpanMs + RETENTION_MARGIN_MS,
} as const;
const weekOfDeliveries = {
  ...slotted,
  policy: 'delete',
  retentionMs: 7 * DAY_MS,
  carriesBody: true,
  retentionLeastMs: () => 7 * DAY_MS,
} as const;

/** Every topic of Postrider, declared once: deployment, services and tests read this list. */
export const topicDeclarations: readonly TopicDeclaration[] = [
  {
    id: 'events',
    partitions: 'layout',
    partitionBy: 'publisher',
    policy: 'delete',
    retentionMs: 7 * DAY_MS,
    carriesBody: true,
  },
  { id: 'deliveries', ...weekOfDeliveries },
  { id: 'deliveries.bulk', ...weekOfDeliveries },
  { id: 'retry.1m', ...tier },
  { id: 'retry.1h', ...tier },
  { id: 'retry.14d', ...tier },
  {
    id: 'ownership',
    ...slotted,
    policy: 'compact',
    compactionLagMinMs: DAY_MS,
    segmentMs: 6 * HOUR_MS,
    carriesBody: false,
  },
  { id: 'dead-letters', ...slotted, policy: 'delete', retentionMs: 30 * DAY_MS, carriesBody: true },
  {
    id: 'attempts',
    partitions: 16,
    partitionBy: 'delivery-id',
    policy: 'delete',
    retentionMs: 3 * DAY_MS,
    carriesBody: true,
  },
  {
    id: 'quarantine',
    partitions: 16,
    partitionBy: 'source-partition',
    policy: 'delete',
    retentionMs: 7 * DAY_MS,
    carriesBody: true,
  },
  {
    id: 'operations',
    partitions: 16,
    partitionBy: 'endpoint-id',
    policy: 'delete',
    retentionMs: 7 * DAY_MS,
    carriesBody: false,
  },
  {
    id: 'config',
    partitions: 1,
    partitionBy: 'single',
    policy: 'compact',
    // As long as a delivery may live, and more: a dispatcher tells "deleted" from "not known yet" by having seen it.
    tombstonesMs: 21 * DAY_MS,
    carriesBody: false,
  },
  {
    // One chain, so one partition.
    id: 'audit',
    partitions: 1,
    partitionBy: 'single',
    policy: 'delete',
    retentionMs: limits.auditRetentionMs,
    carriesBody: false,
    retentionLeastMs: ({ auditRetentionMs = limits.auditRetentionMs }) => auditRetentionMs,
  },
];

/** Partition i of all of these belongs to one owner. Declared for ever: a topic added later cannot be rolled out without a stop. */
export const coPartitionedTopics = [
  'deliveries',
  'deliveries.bulk',
  'retry.1m',
  'retry.1h',
  'retry.14d',
  'ownership',
] as const satisfies readonly TopicId[];

/** The retry tiers, the most urgent first: the order in which a new owner loads them. */
export const retryTiers = ['retry.1m', 'retry.1h', 'retry.14d'] as const satisfies readonly TopicId[];

export const TOPIC_PREFIX_DEFAULT = 'postrider.';

/** The full name of a topic; `prefix` ends with its own separator. */
export function topicName(prefix: string, id: TopicId): string {
  return prefix + id;
}

/** The declaration of one topic. */
export function topicDeclaration(id: TopicId): TopicDeclaration {
  const found = topicDeclarations.find((declaration) => declaration.id === id);
  if (found === undefined) throw new RangeError(`no topic is declared as ${id}`);
  return found;
}

/** How many partitions records of a topic are spread over; `layoutPartitions` is P of the layout record. */
export function partitionCount(id: TopicId, layoutPartitions: number): number {
  const { partitions } = topicDeclaration(id);
  return partitions === 'layout' ? layoutPartitions : partitions;
}

export interface TopicLayout {
  /** Put before every topic's name, separator included. */
  readonly prefix: string;
  /** P of the layout record. */
  readonly partitions: number;
  readonly replicationFactor: number;
  /** The largest body of an event or delivery. */
  readonly bodyBytesMax: number;
  /** How long the audit is kept; absent: as it is declared. */
  readonly auditRetentionMs?: number;
}

/** What to create for a layout. Throws `RangeError` naming the field when a number is not a positive integer. */
export function topicSpecs(layout: TopicLayout): readonly TopicSpec[] {
  for (const field of ['partitions', 'replicationFactor', 'bodyBytesMax'] as const) {
    if (!Number.isSafeInteger(layout[field]) || layout[field] < 1) {
      throw new RangeError(`${field} must be a positive integer, not ${layout[field]}`);
    }
  }
  return topicDeclarations.map((declaration) => ({
    name: topicName(layout.prefix, declaration.id),
    partitions: partitionCount(declaration.id, layout.partitions),
    replicationFactor: layout.replicationFactor,
    config: topicConfig(declaration, layout),
  }));
}

function topicConfig(declaration: TopicDeclaration, layout: TopicLayout): Record<string, string> {
  const config: Record<string, string> = {
    'cleanup.policy': declaration.policy,
    'message.timestamp.type': 'LogAppendTime',
    'retention.bytes': '-1',
    'max.message.bytes': String(Math.max(MESSAGE_BYTES_DEFAULT, layout.bodyBytesMax + RECORD_OVERHEAD_BYTES)),
    // One broker may be lost without losing an acknowledged record or stopping writes; that takes three copies.
    'min.insync.replicas': layout.replicationFactor >= 3 ? '2' : '1',
    'unclean.leader.election.enable': 'false',
  };
  const asked = declaration.id === 'audit' ? layout.auditRetentionMs : undefined;
  const retentionMs = asked ?? declaration.retentionMs;
  if (retentionMs !== undefined) config['retention.ms'] = String(retentionMs);
  if (declaration.compactionLagMinMs !== undefined) {
    config['min.compaction.lag.ms'] = String(declaration.compactionLagMinMs);
  }
  if (declaration.tombstonesMs !== undefined) config['delete.retention.ms'] = String(declaration.tombstonesMs);
  if (declaration.segmentMs !== undefined) config['segment.ms'] = String(declaration.segmentMs);
  return config;
}
