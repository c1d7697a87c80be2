import { EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { QuarantineReason } from '@postrider/contract/postrider/v1/dead_letter';
import {
  decodeEvent,
  isBeingDeleted,
  resolveRetryPolicy,
  retrySpanMs,
  webhookId,
  type Clock,
  type DecodedEvent,
  type KeyedEvent,
} from '@postrider/core';
import { hash } from 'node:crypto';
import { deliveryRecord, routableEvent, type Addressee, type Destination } from './delivery-record.ts';
import { orderingOf, wholeEndpoint } from './ordering.ts';
import { quarantineRecord, type QuarantineVerdict } from './quarantine-record.ts';
import type { ConfigSnapshot, ConfigView } from '@postrider/config-view';
import type { SourceCoordinates } from '@postrider/contract/postrider/v1/delivery';
import type { IncomingRecord, OutgoingRecord } from '@postrider/kafka';
import type { RouterEvents } from './events.ts';
import type { Routing } from './flow.ts';
import type { SubscriptionIndex } from './subscription-index.ts';

export interface RoutesOptions {
  readonly config: {
    readonly topicPrefix: string;
    readonly bodyBytesMax: number;
    readonly defaultEventType?: string | undefined;
  };
  /** Kafka's cluster id. */
  readonly cluster: string;
  readonly clock: Clock;
  readonly view: Pick<ConfigView, 'snapshot'>;
  readonly subscriptions: SubscriptionIndex;
  readonly events: RouterEvents;
}

/**
 * What becomes of a source record: one delivery per endpoint that wants it, or one quarantine record, or nothing. Decides
 * with the configuration of the moment. Never throws: what goes wrong in here is the router's fault and quarantines the
 * event, so that the next one flows.
 */
export function createRoutes(options: RoutesOptions): (record: IncomingRecord) => Routing {
  return (record) => {
    try {
      return route(record, options);
    } catch (error) {
      return putAside(record, ownFault(error), options);
    }
  };
}

function ownFault(error: unknown): QuarantineVerdict {
  const detail = `routing failed: ${error instanceof Error ? error.message : 'unknown error'}`;
  return { reason: QuarantineReason.INTERNAL_ERROR, field: '', detail };
}

function route(record: IncomingRecord, options: RoutesOptions): Routing {
  const { config, view, events } = options;
  if (record.value === null) {
    events.tombstoneSkipped();
    return nothing;
  }
  const { bodyBytesMax, defaultEventType } = config;
  const decoded = decodeEvent(record, {
    bodyBytesMax,
    ...(defaultEventType === undefined ? {} : { rawType: defaultEventType }),
  });
  if (decoded.kind === 'quarantine') return putAside(record, decoded, options);
  const snapshot = view.snapshot();
  const tenant = snapshot.tenant(decoded.tenant);
  if (tenant === undefined || isBeingDeleted(tenant)) return putAside(record, unknownTenant(decoded.tenant), options);
  return deliverTo(addressees(decoded, snapshot, options), decoded, record, snapshot, options);
}

function unknownTenant(tenant: string): QuarantineVerdict {
  return { reason: QuarantineReason.TENANT_UNKNOWN, field: 'tenant', detail: `there is no tenant "${tenant}"` };
}

const defaultSpanMs = retrySpanMs(resolveRetryPolicy(undefined));

/** Enabled endpoints of the tenant with a subscription that matches, each once; those that keep order come first. */
function addressees(
  event: KeyedEvent & { readonly tenant: string },
  snapshot: ConfigSnapshot,
  { subscriptions }: RoutesOptions,
): Addressee[] {
  const ordered: Addressee[] = [];
  const others: Addressee[] = [];
  const add = (one: Addressee): void => void (one.ordering === undefined ? others : ordered).push(one);
  for (const { endpointUid, subscriptionUids } of subscriptions.match(event.tenant, event.attributes.type)) {
    const endpoint = snapshot.endpoint(endpointUid)?.endpoint;
    if (endpoint === undefined && snapshot.unreadable('endpoint', endpointUid) !== undefined)
      // A newer control plane wrote it: the delivery waits at the dispatcher until somebody can read the endpoint.
      add({
        ...{ endpointUid, endpointRevision: snapshot.revision, subscriptionUids },
        ...{ retrySpanMs: defaultSpanMs, ordering: wholeEndpoint },
      });
    if (endpoint === undefined || endpoint.state !== EndpointState.ENABLED) continue;
    const retrySpan = retrySpanMs(resolveRetryPolicy(endpoint.retryPolicy));
    add({
      ...{ endpointUid, endpointRevision: endpoint.revision, subscriptionUids, retrySpanMs: retrySpan },
      ordering: orderingOf(endpoint.ordering, event),
    });
  }
  return [...ordered, ...others];
}

function deliverTo(
  addressed: readonly Addressee[],
  decoded: DecodedEvent & { kind: 'event' },
  record: IncomingRecord,
  snapshot: ConfigSnapshot,
  options: RoutesOptions,
): Routing {
  const { config, clock, events } = options;
  const { traceparent, tracestate, tenant } = decoded;
  const routedAt = clock.now();
  events.eventRouted(addressed.length, { traceparent, tracestate, tenant, storedAt: record.timestamp, routedAt });
  if (addressed.length === 0) return nothing;
  const { layout } = snapshot;
  // Without a layout there is no endpoint either: both are written by the control plane, the layout first.
  if (layout === null) throw new Error('there is no layout record on the config topic');
  const event = routableEvent(
    {
      webhookId: webhookId(tenant, decoded.attributes.source, decoded.attributes.id),
      tenant,
      attributes: decoded.attributes,
      source: coordinates(record, options.cluster, decoded.body),
      traceparent,
      tracestate,
      hopCount: decoded.hopCount,
      // Not the record's timestamp: a router that was away for days must not use up what endpoints were promised.
      firstSeen: routedAt,
    },
    decoded.body,
  );
  const destination: Destination = { topicPrefix: config.topicPrefix, layout };
  const tooLarge = { reason: QuarantineReason.TOO_LARGE, field: '', detail: 'Kafka takes no record of this size' };
  return {
    count: addressed.length,
    record(i) {
      try {
        return deliveryRecord(event, addressed[i] as Addressee, destination);
      } catch (error) {
        return putAside(record, ownFault(error), options).record(0);
      }
    },
    orderOf: (i) => (addressed[i]?.ordering === undefined ? null : (addressed[i]?.endpointUid ?? null)),
    tooLarge: () => putAside(record, tooLarge, options).tooLarge(),
  };
}

function putAside(record: IncomingRecord, verdict: QuarantineVerdict, options: RoutesOptions): Routing {
  const { clock, cluster, config, events } = options;
  events.eventQuarantined(record, verdict.reason, verdict.detail);
  const destination = { topicPrefix: config.topicPrefix, now: clock.now() };
  const source = coordinates(record, cluster, null);
  const { topic, partition, offset, timestamp } = record;
  /** What is left of a record that cannot even be copied: where it stands. */
  const bare: IncomingRecord = { topic, partition, offset, timestamp, key: null, value: null, headers: {} };
  const copyOf = (from: () => IncomingRecord, dropValue: boolean): OutgoingRecord => {
    try {
      return quarantineRecord(from(), source, verdict, { ...destination, dropValue });
    } catch {
      return quarantineRecord(bare, source, verdict, { ...destination, dropValue: true });
    }
  };
  return {
    count: 1,
    record: () => copyOf(() => record, false),
    orderOf: () => null,
    tooLarge: () => copyOf(() => ({ ...record, headers: {} }), true),
  };
}

function coordinates(record: IncomingRecord, cluster: string, body: Buffer | null): SourceCoordinates {
  return {
    cluster,
    topic: record.topic,
    partition: record.partition,
    offset: BigInt(record.offset),
    timestamp: dateOf(record.timestamp),
    bodySha256: body === null ? Buffer.alloc(0) : hash('sha256', body, 'buffer'),
  };
}

/** A stranger's producer may say anything, such as nanoseconds; what no date can hold is left out. */
function dateOf(timestamp: number): Date | undefined {
  const date = new Date(timestamp);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

const nothing: Routing = {
  count: 0,
  orderOf: () => null,
  record: () => {
    throw new RangeError('there is nothing to write');
  },
  tooLarge: () => {
    throw new RangeError('there is nothing to write');
  },
};
