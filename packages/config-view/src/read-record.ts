import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { egressAddressId, parseRevision, pauseIdOf } from '@postrider/core';
import { CONFIG_HEADER, header } from '@postrider/kafka';
import { parseConfigKey } from './config-key.ts';
import { CONFIG_SCHEMA_VERSION } from './schema-version.ts';
import { isKnownPause, unknownEndpointValue, unknownSubscriptionValue } from './unknown-values.ts';
import type { WriterClaim } from '@postrider/contract/postrider/v1/config';
import type { IncomingRecord } from '@postrider/kafka';
import type { ConfigKind } from './config-key.ts';
import type { ConfigProblemCode } from './config-problem.ts';

/** An entity as it stands in a record. */
export type ConfigEntity = Exclude<ConfigRecord['entity'], undefined | { $case: 'tombstone' }>;
/** Everything but writer claims, which hold by their offset and are never deleted. */
export type StoredEntity = Exclude<ConfigEntity, { $case: 'writer' }>;
/** The kinds whose entities can be deleted. */
export type DeletableKind = Exclude<ConfigKind, 'writer' | 'layout'>;

/** Which of two records of one key holds: the higher epoch, then the higher revision. */
export interface ConfigVersion {
  readonly epoch: number;
  readonly revision: bigint;
}

/** A record of the `config` topic, understood or not. */
export type ReadRecord = ReadEntity | ReadClaim | ReadDeletion | ReadProblem;

interface ReadEntity {
  readonly kind: 'entity';
  readonly key: string;
  readonly id: string;
  readonly version: ConfigVersion;
  readonly entity: StoredEntity;
  /** The ConfigRecord that it stands in. */
  readonly bytes: Buffer;
}

export interface ReadClaim {
  readonly kind: 'claim';
  readonly key: string;
  readonly version: ConfigVersion;
  readonly claim: WriterClaim;
}

interface ReadDeletion {
  readonly kind: 'deletion';
  readonly key: string;
  readonly entityKind: DeletableKind;
  readonly id: string;
  /** Null when another tool deleted it. */
  readonly version: ConfigVersion | null;
}

export interface ReadProblem {
  readonly kind: 'problem';
  readonly key: string;
  readonly code: ConfigProblemCode;
  readonly detail: string;
  /** Null when none could be read. */
  readonly version: ConfigVersion | null;
}

/**
 * Reads one record. A deletion by Postrider is a null value with a ConfigRecord in the header `postrider-config`; a null
 * value without it (as other tools write) deletes too, and has no version of its own. Never throws.
 */
export function readConfigRecord(record: Pick<IncomingRecord, 'key' | 'value' | 'headers'>): ReadRecord {
  const key = record.key?.toString('utf8') ?? '';
  const parsed = parseConfigKey(key);
  if (parsed === null) return problem(key, 'key_unreadable', 'The record has no key of the form <kind>/<id>.');
  const { kind, id } = parsed;
  if (kind === null) return problem(key, 'kind_unknown', 'The kind is unknown to this version.');
  const bytes = record.value ?? header(record, CONFIG_HEADER);
  if (bytes === undefined) return deletion(key, kind, id, null);
  const config = decode(bytes);
  const revision = parseRevision(config?.revision ?? '');
  if (config === null || revision === null) {
    return problem(key, 'record_unreadable', 'It is no ConfigRecord with a revision.');
  }
  const version = { epoch: Number(config.writerEpoch), revision };
  if (config.key !== key) {
    return problem(key, 'key_mismatch', 'The record stands under another key than it names.', version);
  }
  if (config.schemaVersion > CONFIG_SCHEMA_VERSION) {
    const newer = `Its schema version is ${config.schemaVersion}; this version reads up to ${CONFIG_SCHEMA_VERSION}.`;
    return problem(key, 'schema_newer', newer, version);
  }
  const { entity } = config;
  if (entity === undefined) return problem(key, 'entity_unknown', 'It holds no entity that is known here.', version);
  if (entity.$case === 'tombstone') {
    if (record.value !== null) return problem(key, 'entity_invalid', 'A deletion must have a null value.', version);
    return deletion(key, kind, id, version);
  }
  if (record.value === null) return problem(key, 'entity_invalid', 'A null value must hold a deletion.', version);
  const wrong = checkEntity(kind, id, entity);
  if (wrong !== null) return problem(key, wrong.code, wrong.detail, version);
  if (entity.$case === 'writer') return { kind: 'claim', key, version, claim: entity.value };
  return { kind: 'entity', key, id, version, entity, bytes };
}

function decode(bytes: Buffer): ConfigRecord | null {
  try {
    return ConfigRecord.decode(bytes);
  } catch {
    return null;
  }
}

function deletion(key: string, entityKind: ConfigKind, id: string, version: ConfigVersion | null): ReadRecord {
  if (entityKind === 'layout' || entityKind === 'writer') {
    return problem(key, 'deletion_refused', 'The layout and the writer claim cannot be deleted.', version);
  }
  return { kind: 'deletion', key, entityKind, id, version };
}

function problem(
  key: string,
  code: ConfigProblemCode,
  detail: string,
  version: ConfigVersion | null = null,
): ReadRecord {
  return { kind: 'problem', key, code, detail, version };
}

interface Wrong {
  readonly code: ConfigProblemCode;
  readonly detail: string;
}

/** The arm of a record that an entity of this kind stands in. */
export const caseOfKind: Readonly<Record<ConfigKind, ConfigEntity['$case']>> = {
  tenant: 'tenant',
  endpoint: 'endpoint',
  subscription: 'subscription',
  layout: 'layout',
  writer: 'writer',
  'api-key': 'apiKey',
  pause: 'pause',
  drain: 'drain',
  'role-binding': 'roleBinding',
  'event-type': 'eventType',
  'egress-address': 'egressAddress',
  operation: 'operation',
};

/** What is wrong with an entity under this key, if anything is. */
function checkEntity(kind: ConfigKind, id: string, entity: ConfigEntity): Wrong | null {
  if (entity.$case !== caseOfKind[kind]) return invalid('Its entity is of another kind than its key.');
  switch (entity.$case) {
    case 'tenant':
      if (!isNamed(entity.value.tenant, 'tenants', id)) return invalid('The tenant has another name than its key.');
      return entity.value.tenant?.state === 'UNRECOGNIZED' ? unknown('state') : null;
    case 'endpoint': {
      const { endpoint } = entity.value;
      if (endpoint?.uid !== id) return invalid('The endpoint has another uid than its key.');
      if (!/^tenants\/[^/]+\/endpoints\/[^/]+$/.test(endpoint.name)) return invalid('The name is not an endpoint’s.');
      return unknown(unknownEndpointValue(entity.value));
    }
    case 'subscription': {
      const { uid, endpointUid } = entity.value;
      if (uid !== id) return invalid('The subscription has another uid than its key.');
      return endpointUid === '' ? invalid('It names no endpoint.') : unknown(unknownSubscriptionValue(entity.value));
    }
    case 'layout': {
      const { generation, partitions, slots } = entity.value;
      if (id !== 'current') return invalid('The only id of a layout is current.');
      if (generation >= 1 && partitions >= 1 && partitions <= slots) return null;
      return invalid('The layout must have a generation from 1 and 1 to as many partitions as slots.');
    }
    case 'writer':
      if (id !== 'current') return invalid('The only id of a writer claim is current.');
      return entity.value.randomId.length > 0 ? null : invalid('The claim has no random id.');
    case 'apiKey':
      return entity.value.id === id ? null : invalid('The API key has another id than its key.');
    case 'pause':
      if (!isKnownPause(entity.value)) return unknown('name');
      return pauseIdOf(entity.value) === id ? null : invalid('The pause is of something else than its key says.');
    case 'drain':
      return isNamed(entity.value, 'dispatchers', id) ? null : invalid('The drain is of another process than its key.');
    case 'roleBinding':
      if (!isNamed(entity.value, 'roleBindings', id)) return invalid('The binding has another name than its key.');
      return entity.value.role === 'UNRECOGNIZED' ? unknown('role') : null;
    case 'eventType':
      if (!isNamed(entity.value.eventType, 'eventTypes', id))
        return invalid('The event type has another name than its key.');
      return entity.value.eventType?.state === 'UNRECOGNIZED' ? unknown('state') : null;
    case 'egressAddress':
      return egressAddressId(entity.value.address?.name ?? '') === id &&
        entity.value.address?.effectiveTime !== undefined
        ? null
        : invalid('The address has another name than its key, or no effective time.');
    case 'operation': {
      const { operation } = entity.value;
      if (!isNamed(operation, 'operations', id)) return invalid('The operation has another name than its key.');
      // Without a tenant it would delete what belongs to none.
      const isLost = operation?.metadata?.$case === 'tenantDeletion' && !/^tenants\/[^/]+$/.test(operation.tenant);
      return isLost ? invalid('The operation deletes a tenant, and names none.') : null;
    }
  }
}

/** Whether a resource has the name that belongs to its key. An id with a slash would be no part of any name. */
function isNamed(resource: { readonly name: string } | undefined, collection: string, id: string): boolean {
  return resource?.name === `${collection}/${id}` && !id.includes('/');
}

function invalid(detail: string): Wrong {
  return { code: 'entity_invalid', detail };
}

function unknown(field: string | null): Wrong | null {
  if (field === null) return null;
  return { code: 'entity_unknown', detail: `The field ${field} holds a value that this version does not know.` };
}
