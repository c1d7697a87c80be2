import { status } from '@grpc/grpc-js';
import { configKey } from '@postrider/config-view';
import { Status } from '@postrider/contract/google/rpc/status';
import { Operation } from '@postrider/contract/postrider/v1/operation';
import { TenantState, type Tenant } from '@postrider/contract/postrider/v1/tenant';
import { newUid, tenantOfName } from '@postrider/core';
import { recordsOfApiKey } from '../api-key-methods.ts';
import { parseFlatName, tenantName } from '../names.ts';
import { rejectUnreadable } from '../reject.ts';
import { serverLimits } from '../server-limits.ts';
import { idOf } from './kept.ts';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { OperationConfig, TenantConfig } from '@postrider/contract/postrider/v1/config';
import type { RandomBytes } from '@postrider/core';
import type { Change } from '../config-writer.ts';

/**
 * The operation that goes on deleting a tenant: its id. Null: there is none any more, as when another tool took its record
 * away; nobody would ever go on.
 * @throws PostriderError `failed_precondition` when a newer version has written it
 */
export function runningDeletion(snapshot: ConfigSnapshot, { name, deleteOperation }: Tenant): string | null {
  const [, id = ''] = deleteOperation.split('/');
  rejectUnreadable(snapshot, 'operation', id, deleteOperation);
  const operation = snapshot.operation(id)?.operation;
  return operation?.done === false && operation.tenant === name ? id : null;
}

/** Marks the tenant, and begins the operation that deletes it: the operation's id. */
export function beginTenantDeletion(
  { snapshot, now, put, origin }: Change,
  tenantId: string,
  config: TenantConfig,
  principal: string,
  random: RandomBytes,
): string {
  const id = newUid('op', random);
  const name = `operations/${id}`;
  const deletion = {
    endpointCount: snapshot.endpointCount(tenantId),
    subscriptionCount: snapshot.subscriptionCount(tenantId),
  };
  put(configKey('operation', id), (revision) => ({
    $case: 'operation',
    value: {
      operation: {
        ...Operation.fromPartial({ name, tenant: tenantName(tenantId), principal, createTime: now, revision }),
        metadata: { $case: 'tenantDeletion', value: { ...noneLeft, ...deletion } },
      },
      ...{ method: origin?.method ?? '', callId: origin?.callId ?? '', knownBy: origin?.credential ?? '' },
      ...{ requestId: origin?.requestId ?? '', peer: origin?.peer ?? '', forwardedFor: origin?.forwardedFor ?? '' },
    },
  }));
  put(configKey('tenant', tenantId), (revision) => {
    const { tenant } = config;
    if (tenant === undefined) throw new TypeError(`${tenantName(tenantId)} has no tenant`);
    const deleteTime = tenant.deleteTime ?? now;
    const marked = { ...tenant, state: TenantState.DELETING, deleteTime, deleteOperation: name, updateTime: now };
    return { $case: 'tenant', value: { ...config, tenant: { ...marked, revision } } };
  });
  return id;
}

const noneLeft = { remainingEndpointCount: 0, remainingSubscriptionCount: 0 };

/**
 * Deletes the next part of a tenant: so many records at most; with the last ones go the tenant itself, and the operation is
 * done. What is left to do is what is there, so whoever leads goes on where the one before was, and nothing is deleted twice.
 * A tenant of this id that the operation has not marked is another one: none of it is touched, and the operation ends.
 * @throws PostriderError `failed_precondition` when a newer version has written the tenant
 */
export function deleteNextPart(change: Change, config: OperationConfig, operation: Operation): void {
  const { snapshot, remove } = change;
  const { name, tenant } = operation;
  const tenantId = tenantOfName(tenant) ?? '';
  rejectUnreadable(snapshot, 'tenant', tenantId, tenant);
  const there = snapshot.tenant(tenantId);
  if (there !== undefined && there.tenant?.deleteOperation !== name) {
    const message = `${tenant} is another one by now`;
    return end(change, config, { ...operation, error: Status.fromPartial({ message, code: status.ABORTED }) });
  }
  const part = new Set<string>();
  for (const key of recordsOf(snapshot, tenantId)) {
    if (part.size === serverLimits.deletedTogetherMax) break;
    part.add(key);
  }
  for (const key of part) remove(key);
  if (part.size === serverLimits.deletedTogetherMax) return;
  if (there !== undefined) remove(configKey('tenant', tenantId));
  end(change, config, operation);
}

function end({ put, now }: Change, config: OperationConfig, ended: Operation): void {
  put(configKey('operation', idOf(ended)), (revision) => ({
    $case: 'operation',
    value: { ...config, operation: { ...ended, done: true, endTime: now, revision } },
  }));
}

/**
 * The keys of all records that go with a tenant, before the tenant's own. What depends on something comes before it: a part may
 * end between the two, and what is found by something is not found without it. Keys and role bindings come last, so that who has them can look on. Another tenant may get this id: what opened this one must not
 * open that one.
 */
function* recordsOf(snapshot: ConfigSnapshot, tenantId: string): Generator<string> {
  for (const { uid } of snapshot.endpointIdsOf(tenantId, serverLimits.deletedTogetherMax)) {
    for (const subscription of snapshot.subscriptionsOf(uid)) yield configKey('subscription', subscription.uid);
    yield* pauseOf(snapshot, `endpoints/${uid}`);
    yield configKey('endpoint', uid);
  }
  const name = tenantName(tenantId);
  yield* pauseOf(snapshot, name);
  for (const { id, tenant } of snapshot.apiKeys()) if (tenant === tenantId) yield* recordsOfApiKey(snapshot, id);
  for (const binding of snapshot.roleBindings()) {
    if (binding.tenant === name) yield configKey('role-binding', parseFlatName(binding.name, 'roleBindings', 'name'));
  }
}

function* pauseOf(snapshot: ConfigSnapshot, id: string): Generator<string> {
  if (snapshot.pause(id) !== undefined) yield configKey('pause', id);
}
