import type { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { operationId } from './ids.ts';
import type { EpochMs } from './model.ts';

/** What every operational event tells. */
interface OperationFacts {
  readonly tenant: string;
  /** The endpoint's uid. */
  readonly endpointId: string;
  /** The delivery that it happened to, and its run; empty: the first. */
  readonly deliveryId: string;
  readonly runId: string;
  /** When it happened. */
  readonly time: EpochMs;
}

/**
 * What Postrider itself has to tell about an endpoint. Each is written at least once, and every copy of one bears the
 * same id.
 *
 * - `postrider.endpoint.gone`: the endpoint answered 410 to a request made by this revision of its configuration; it is
 *   sent nothing until its configuration is newer. Once per revision.
 * - `postrider.endpoint.failing`: the endpoint's breaker has opened by this attempt: it is asked by one request now and then.
 *   Once per attempt, like the next one.
 * - `postrider.endpoint.recovered`: it has closed again by this attempt.
 * - `postrider.lane.stopped`: a delivery of an ordered endpoint was given up, and what stands behind it waits for a
 *   person. Once per delivery and run.
 * - `postrider.endpoint.verified`: the endpoint has proved that it wants events, to a request made by this revision of its
 *   configuration. Once per delivery and run of a verification, like the next one.
 * - `postrider.endpoint.verification_failed`: the verification was given up. The endpoint is sent nothing until it is asked
 *   again and agrees.
 */
export type OperationalEvent =
  | (OperationFacts & {
      readonly type: 'postrider.endpoint.gone';
      readonly endpointRevision: string;
      /** Number of the attempt that was answered so. */
      readonly attempt: number;
    })
  | (OperationFacts & {
      readonly type: 'postrider.endpoint.failing';
      /** Number of the attempt by which it was noticed. */
      readonly attempt: number;
      /** How that went: a stable code, and the answer's status; 0: no answer. */
      readonly code: string;
      readonly status: number;
    })
  | (OperationFacts & {
      readonly type: 'postrider.endpoint.recovered';
      readonly attempt: number;
    })
  | (OperationFacts & {
      readonly type: 'postrider.lane.stopped';
      readonly reason: DeadReason;
      /** Hash of the ordering key, 16 hexadecimal digits; empty when the order is the whole endpoint's. */
      readonly orderingKeyHash: string;
    })
  | (OperationFacts & {
      readonly type: 'postrider.endpoint.verified';
      readonly endpointRevision: string;
      /** Requests per minute that it agrees to; null: it names no number. */
      readonly allowedPerMinute: number | null;
    })
  | (OperationFacts & {
      readonly type: 'postrider.endpoint.verification_failed';
      readonly endpointRevision: string;
      readonly reason: DeadReason;
    });

/** A record of the topic `operations`. */
export interface OperationRecord {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, Buffer>>;
}

/** The `source` of operational events. */
const SOURCE = '/postrider/dispatcher';

/** An operational event as a CloudEvent 1.0 in Kafka's binary mode: attributes as `ce_` headers, the value is JSON. */
export function encodeOperation(event: OperationalEvent): OperationRecord {
  const { type, tenant, endpointId, time, ...data } = event;
  const attributes: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: operationId(type, endpointId, occasionOf(event)),
    ce_source: SOURCE,
    ce_type: type,
    ce_subject: endpointId,
    ce_time: new Date(time).toISOString(),
    ce_tenant: tenant,
    'content-type': 'application/json',
  };
  const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, Buffer.from(value)]));
  return {
    key: Buffer.from(endpointId),
    value: Buffer.from(JSON.stringify({ tenant, endpointId, ...data })),
    headers,
  };
}

/** What an endpoint's proof tells the control plane. */
export interface Verified {
  readonly endpointId: string;
  /** Revision of the endpoint that asked. */
  readonly endpointRevision: string;
  readonly allowedPerMinute: number | null;
}

/** Reads a `postrider.endpoint.verified` record; null: it is another one, or cannot be read. */
export function readVerified(type: string, value: Buffer | null): Verified | null {
  const data = type === 'postrider.endpoint.verified' ? factsOf(value) : null;
  if (data === null) return null;
  const { endpointId, endpointRevision, allowedPerMinute } = data;
  const isRate = Number.isInteger(allowedPerMinute) && Number(allowedPerMinute) > 0;
  return { endpointId, endpointRevision, allowedPerMinute: isRate ? Number(allowedPerMinute) : null };
}

/** That an endpoint answered 410 to a request made by this revision of its configuration. */
export interface Gone {
  readonly endpointId: string;
  readonly endpointRevision: string;
}

/** Reads a `postrider.endpoint.gone` record; null: it is another one, or cannot be read. */
export function readGone(type: string, value: Buffer | null): Gone | null {
  const data = type === 'postrider.endpoint.gone' ? factsOf(value) : null;
  return data === null ? null : { endpointId: data.endpointId, endpointRevision: data.endpointRevision };
}

/** Whether an endpoint fails again and again, and since when. */
export interface Health {
  readonly endpointId: string;
  readonly failing: boolean;
  readonly time: Date;
}

/** Reads a `postrider.endpoint.failing` or `.recovered` record with its `ce_time`; null: it is another one, or cannot be read. */
export function readHealth(type: string, value: Buffer | null, ceTime: string): Health | null {
  const failing = type === 'postrider.endpoint.failing';
  if (!failing && type !== 'postrider.endpoint.recovered') return null;
  const endpointId = objectOf(value)?.['endpointId'];
  const time = new Date(ceTime);
  if (typeof endpointId !== 'string' || Number.isNaN(time.getTime())) return null;
  return { endpointId, failing, time };
}

/** Of which endpoint, by which revision, and whatever else the record tells. */
function factsOf(value: Buffer | null): (Gone & Readonly<Record<string, unknown>>) | null {
  const data = objectOf(value);
  const { endpointId, endpointRevision } = data ?? {};
  if (typeof endpointId !== 'string' || typeof endpointRevision !== 'string') return null;
  return { ...data, endpointId, endpointRevision };
}

function objectOf(value: Buffer | null): Readonly<Record<string, unknown>> | null {
  if (value === null) return null;
  try {
    const data: unknown = JSON.parse(value.toString('utf8'));
    return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** What makes this event another one than the last of its type and endpoint. */
function occasionOf(event: OperationalEvent): readonly string[] {
  switch (event.type) {
    case 'postrider.endpoint.gone':
      return [event.endpointRevision];
    case 'postrider.endpoint.failing':
    case 'postrider.endpoint.recovered':
      return [event.deliveryId, event.runId, String(event.attempt)];
    case 'postrider.lane.stopped':
    case 'postrider.endpoint.verified':
    case 'postrider.endpoint.verification_failed':
      return [event.deliveryId, event.runId];
  }
}
