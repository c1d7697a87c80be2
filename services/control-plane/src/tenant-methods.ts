import { configKey, dataKeyOf, wrapDataKey } from '@postrider/config-view';
import { VerificationMode } from '@postrider/contract/postrider/v1/endpoint';
import { Tenant, TenantQuotas, TenantState } from '@postrider/contract/postrider/v1/tenant';
import { generateDataKey, isBeingDeleted, PostriderError } from '@postrider/core';
import { checkEtag, etagOf } from './etag.ts';
import { applyMask } from './field-mask.ts';
import { parseTenantName, tenantIdProblem, tenantName } from './names.ts';
import { beginTenantDeletion, runningDeletion } from './operations/tenant-deletion.ts';
import { createUntilDone } from './operations/until-done.ts';
import { alreadyExists, found, rejectUnreadable, rejectViolations, required } from './reject.ts';
import { tenantFields } from './lists/filter-fields.ts';
import { readListQuery } from './lists/list-query.ts';
import { isSame, sizeOf } from './messages.ts';
import { quotaBounds } from './quotas.ts';
import { serverLimits } from './server-limits.ts';
import { checkRequestId, createViolations } from './validate-common.ts';
import { tenantPoolProblems, type KnownPools } from './validate-pools.ts';
import { validateTenant } from './validate-tenant.ts';
import type { SealedSecret, TenantConfig } from '@postrider/contract/postrider/v1/config';
import type {
  CreateTenantRequest,
  DeleteTenantRequest,
  GetTenantRequest,
  ListTenantsRequest,
  ListTenantsResponse,
  UpdateTenantRequest,
} from '@postrider/contract/postrider/v1/tenant_service';
import type { FieldViolation } from '@postrider/core';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { Method, ServiceContext } from './call.ts';
import type { MaskRules } from './field-mask.ts';

const quotaNames = Object.values(quotaBounds).map(([field]) => field);

const maskRules: MaskRules<Tenant> = {
  name: { kind: 'immutable', why: 'cannot be changed' },
  display_name: { kind: 'changeable', property: 'displayName' },
  labels: { kind: 'changeable', property: 'labels' },
  quotas: {
    kind: 'changeable',
    property: 'quotas',
    parts: {
      names: [...quotaNames, 'deliveries_per_second', 'egress_pools'],
      blank: () => TenantQuotas.fromPartial({}),
    },
  },
  verification: { kind: 'changeable', property: 'verification', unset: VerificationMode.UNSPECIFIED },
  create_time: { kind: 'output-only' },
  update_time: { kind: 'output-only' },
  etag: { kind: 'immutable', why: 'guards the change and is not changed by it' },
  revision: { kind: 'output-only' },
  state: { kind: 'output-only' },
  delete_time: { kind: 'output-only' },
  delete_operation: { kind: 'output-only' },
};

/** A tenant as clients see it. */
function shown({ tenant }: TenantConfig): Tenant {
  const resource = tenant ?? Tenant.fromPartial({});
  const state = resource.state === TenantState.UNSPECIFIED ? TenantState.ACTIVE : resource.state;
  return { ...resource, state, etag: etagOf(resource) };
}

export function createTenant(context: ServiceContext): Method<CreateTenantRequest, Tenant> {
  const { writer, keyring, dataKeys, random, pools } = context;
  return async ({ tenantId, tenant: wanted, requestId }, caller) => {
    const tenant = wanted ?? Tenant.fromPartial({});
    const violations = createViolations();
    const idProblem = tenantIdProblem(tenantId);
    if (idProblem !== null) violations.add('tenant_id', idProblem);
    checkRequestId(violations, requestId);
    violations.addAll(validateTenant(tenant));
    violations.addAll(tenantPoolProblems(tenant, pools, []));
    rejectViolations(violations.list);
    const name = tenantName(tenantId);
    const key = dataKeyOf(generateDataKey(random));
    const dataKey = await wrapped(() => wrapDataKey(key, keyring.primary, tenantId, random));
    dataKeys.remember(tenantId, dataKey, key);
    return writer.change(caller.actor, ({ snapshot, now, put }) => {
      const existing = snapshot.tenant(tenantId);
      if (existing !== undefined) {
        return requestId !== '' && existing.createRequestId === requestId ? shown(existing) : alreadyExists(name);
      }
      rejectUnreadable(snapshot, 'tenant', tenantId, name);
      const { displayName, labels, quotas, verification } = tenant;
      const times = { createTime: now, updateTime: now };
      const { value } = put(configKey('tenant', tenantId), (revision) => {
        const resource = {
          ...Tenant.fromPartial({ name, displayName, labels, verification, ...times, revision }),
          quotas,
        };
        const sealed = { dataKey, dataKeyId: key.id, dataKeySealTime: now };
        return { $case: 'tenant', value: { tenant: resource, ...sealed, createRequestId: requestId } };
      });
      return shown(value);
    });
  };
}

/** @throws PostriderError `key_unavailable` when the KMS does not seal it */
async function wrapped(wrap: () => Promise<SealedSecret>): Promise<SealedSecret> {
  try {
    return await wrap();
  } catch (cause) {
    const text = 'a data key could not be sealed: the key management service does not do it now; nothing was written';
    throw new PostriderError('key_unavailable', text, { cause });
  }
}

export function getTenant({ view }: ServiceContext): Method<GetTenantRequest, Tenant> {
  return ({ name }) => shown(found(view.snapshot().tenant(parseTenantName(name, 'name')), name));
}

export function listTenants({ view, paging }: ServiceContext): Method<ListTenantsRequest, ListTenantsResponse> {
  return (request) => {
    const snapshot = view.snapshot();
    const { isWanted, ...query } = readListQuery(request, tenantFields);
    const all = () => Array.from(snapshot.tenants(), ({ tenant }) => tenant ?? Tenant.fromPartial({}));
    const { items, nextPageToken } = paging.page(
      {
        method: 'ListTenants',
        parent: '',
        snapshot,
        ...query,
        names: () => all().map(({ name }) => name),
        createTimes: () => all().map(({ name, createTime }) => [name, createTime] as const),
        resource: (name) => {
          const config = snapshot.tenant(parseTenantName(name, 'name'));
          return config?.tenant === undefined || !isWanted(config.tenant) ? undefined : shown(config);
        },
        bytes: (tenant) => sizeOf(Tenant, tenant),
      },
      request,
    );
    return { tenants: [...items], nextPageToken };
  };
}

export function updateTenant({ writer, pools }: ServiceContext): Method<UpdateTenantRequest, Tenant> {
  return ({ tenant: wanted, updateMask }, caller) => {
    const given = required(wanted, 'tenant');
    const id = parseTenantName(given.name, 'tenant.name');
    return writer.change(caller.actor, ({ snapshot, now, put }) => {
      const { config, tenant } = current(snapshot, id, given.name);
      checkEtag(given.etag, tenant);
      const masked = applyMask(maskRules, tenant, given, updateMask);
      if ('violations' in masked) rejectViolations(masked.violations);
      const next = 'next' in masked ? masked.next : tenant;
      rejectViolations([...validateTenant(next), ...newPoolProblems(tenant, next, pools, snapshot)]);
      if (isSame(Tenant, tenant, next)) return shown(config);
      const { value } = put(configKey('tenant', id), (revision) => ({
        $case: 'tenant',
        value: { ...config, tenant: { ...next, updateTime: now, revision } },
      }));
      return shown(value);
    });
  };
}

/** Pools that were given up by the installation since keep nobody from changing other things. */
function newPoolProblems(
  before: Tenant,
  next: Tenant,
  pools: KnownPools,
  snapshot: ConfigSnapshot,
): readonly FieldViolation[] {
  const isUnchanged = before.quotas?.egressPools.join() === next.quotas?.egressPools.join();
  const [, id = ''] = next.name.split('/');
  return isUnchanged ? [] : tenantPoolProblems(next, pools, snapshot.endpointsOf(id));
}

export function deleteTenant({
  writer,
  view,
  clock,
  random,
}: ServiceContext): Method<DeleteTenantRequest, Record<string, never>> {
  return async ({ name, force, etag }, caller) => {
    const id = parseTenantName(name, 'name');
    const answersAt = clock.monotonic() + serverLimits.deletionAwaitedMs;
    const operation = await writer.change(caller.actor, (change) => {
      const { snapshot } = change;
      const { config, tenant } = current(snapshot, id, name);
      if (isBeingDeleted(config)) {
        const running = runningDeletion(snapshot, tenant);
        return running ?? beginTenantDeletion(change, id, config, caller.actor, random);
      }
      checkEtag(etag, tenant);
      const endpoints = snapshot.endpointCount(id);
      if (endpoints > 0 && !force) {
        const text = `${name} still has ${endpoints} endpoints; delete them first, or set force`;
        throw new PostriderError('failed_precondition', text);
      }
      return beginTenantDeletion(change, id, config, caller.actor, random);
    });
    // What writing the mark took is taken from it: another replica, which has passed the call on, does not wait for both.
    await createUntilDone(clock)(view, operation, answersAt - clock.monotonic());
    return {};
  };
}

function current(snapshot: ConfigSnapshot, id: string, name: string): { config: TenantConfig; tenant: Tenant } {
  rejectUnreadable(snapshot, 'tenant', id, name);
  const config = found(snapshot.tenant(id), name);
  return { config, tenant: found(config.tenant, name) };
}
