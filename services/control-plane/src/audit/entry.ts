import { caseOfKind, configKey, parseConfigKey } from '@postrider/config-view';
import { auditedEntities } from '@postrider/contract/postrider/v1/audited-fields';
import { AuditAction, AuditEntry, AuditOutcome } from '@postrider/contract/postrider/v1/audit';
import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { changedFields, tenantOfName } from '@postrider/core';
import type { ConfigChange, ConfigEntity, ConfigKind } from '@postrider/config-view';
import type { AuditOrigin } from './origin.ts';

/** What the audit is told besides changes of the configuration. */
export interface AuditNote {
  readonly action: AuditAction;
  readonly outcome: AuditOutcome;
  readonly kind: string;
  readonly resource: string;
  /** `tenants/{tenant}`; empty: of the whole installation. */
  readonly tenant: string;
  readonly detail: string;
}

/** Who did it, and when: the same for all entries of a call. */
export interface AuditBy {
  /** Who: of a call the principal, else the part of Postrider. */
  readonly actor: string;
  /** Absent: nobody called. */
  readonly origin: AuditOrigin | undefined;
  readonly time: Date;
  readonly callId: string;
}

/** A change of one entity of the configuration; of a claim, too. */
export interface EntityChange {
  readonly kind: ConfigKind;
  readonly id: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** That something is used is no change of it. */
const uses: ReadonlySet<string> = new Set(['last_use_time']);

/** The entry of a change, but for its place in the chain; null when nothing changed: what is written again as it was. */
export function changeEntry(change: EntityChange | ConfigChange, revision: string, by: AuditBy): AuditEntry | null {
  const { kind, id, before, after } = change;
  const arm = caseOfKind[kind];
  const changes = changedFields(auditedEntities[arm], jsonOf(arm, before), jsonOf(arm, after));
  if (changes.every(({ field }) => uses.has(field))) return null;
  const resource = resourceOf(kind, id, after ?? before);
  const action =
    before === undefined ? AuditAction.CREATE : after === undefined ? AuditAction.DELETE : AuditAction.UPDATE;
  return {
    ...commonPart(by),
    ...{ action, outcome: AuditOutcome.DONE, kind, resource, revision, changes },
    tenant: tenantOf(resource, after ?? before),
  };
}

/** The entry of what changes nothing of the configuration, but for its place in the chain. */
export function noteEntry(note: AuditNote, by: AuditBy): AuditEntry {
  return { ...commonPart(by), ...note };
}

function commonPart({ actor, origin, time, callId }: AuditBy): AuditEntry {
  const principal = origin === undefined ? `system/${actor}` : actor;
  return { ...AuditEntry.fromPartial({ ...origin, principal, callId }), time };
}

function jsonOf(arm: ConfigEntity['$case'], value: unknown): unknown {
  if (value === undefined) return undefined;
  const entity = { $case: arm, value } as ConfigEntity;
  const json = ConfigRecord.toJSON({ ...ConfigRecord.fromPartial({}), entity }) as Readonly<Record<string, unknown>>;
  return json[arm];
}

interface Named {
  readonly name?: unknown;
  readonly tenant?: unknown;
}

/** The name of a resource is its own, or that of the resource which the entity keeps together with what is ours. */
function resourceOf(kind: ConfigKind, id: string, value: unknown): string {
  if (kind === 'api-key') return `apiKeys/${id}`;
  for (const one of parts(value)) {
    if (typeof one?.name === 'string') return one.name;
  }
  return configKey(kind, id);
}

function tenantOf(resource: string, value: unknown): string {
  const inName = tenantOfName(resource);
  if (inName !== null) return `tenants/${inName}`;
  const tenant = parts(value).find((one) => typeof one?.tenant === 'string')?.tenant;
  if (typeof tenant !== 'string' || tenant === '') return '';
  return tenant.startsWith('tenants/') ? tenant : `tenants/${tenant}`;
}

/** An entity, and what it keeps together with what is ours. */
function parts(value: unknown): readonly (Named | null | undefined)[] {
  return [value, ...Object.values(value as object)] as readonly (Named | null | undefined)[];
}

/** The tenant that an entity belongs to, `tenants/{tenant}`; empty: to the whole installation. */
export function tenantOfEntity(key: string, value: unknown): string {
  const { kind, id } = parseConfigKey(key) ?? { kind: null, id: '' };
  return kind === null ? '' : tenantOf(resourceOf(kind, id, value), value);
}
