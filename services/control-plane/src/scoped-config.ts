import { tenantOfName } from '@postrider/core';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { OperationConfig } from '@postrider/contract/postrider/v1/config';
import type { Reach } from '@postrider/core';
import type { ServiceContext } from './call.ts';
import type { ConfigWriter } from './config-writer.ts';
import type { PageList } from './page-token.ts';

const scopedBySnapshot = new WeakMap<ConfigSnapshot, Map<string, ConfigSnapshot>>();

/**
 * What a method works with when its caller sees only some tenants: the others' resources are not in the configuration that
 * it reads and decides on. So no method can forget to look, and what is foreign is answered as what does not exist is: by
 * the same code, in the same words, after the same time.
 */
export function scopeContext(context: ServiceContext, reach: Reach): ServiceContext {
  if (reach === 'all') return context;
  const { view, writer, paging, pageTokens, audit } = context;
  const ofReach = <L extends PageList>(list: L): L => ({ ...list, parent: `${keyOf(reach)} ${list.parent}` });
  const scopedWriter: Pick<ConfigWriter, 'change'> = {
    change: (actor, plan, origin) =>
      writer.change(actor, (change) => plan({ ...change, snapshot: scopeSnapshot(change.snapshot, reach) }), origin),
  };
  return {
    ...context,
    reach,
    view: { ...view, snapshot: () => scopeSnapshot(view.snapshot(), reach) },
    writer: scopedWriter,
    // A token of a page belongs to who may see just this much.
    paging: { page: (list, request) => paging.page(ofReach(list), request) },
    pageTokens: {
      issue: (list, last) => pageTokens.issue(ofReach(list), last),
      read: (list, token) => pageTokens.read(ofReach(list), token),
    },
    audit: audit.within(reach),
  };
}

/** A snapshot without what belongs to tenants out of reach, or to the whole installation. The same object for the same two. */
export function scopeSnapshot(snapshot: ConfigSnapshot, tenants: ReadonlySet<string>): ConfigSnapshot {
  const key = keyOf(tenants);
  const scopes = scopedBySnapshot.get(snapshot) ?? new Map<string, ConfigSnapshot>();
  scopedBySnapshot.set(snapshot, scopes);
  const scoped = scopes.get(key) ?? cut(snapshot, tenants);
  scopes.set(key, scoped);
  return scoped;
}

/** One text for each set of tenants. */
export function keyOf(tenants: ReadonlySet<string>): string {
  return [...tenants].toSorted().join();
}

function cut(snapshot: ConfigSnapshot, tenants: ReadonlySet<string>): ConfigSnapshot {
  const isNear = (name: string | undefined): boolean => tenants.has(tenantOfName(name ?? '') ?? '');
  const near = <T>(value: T | undefined, name: (value: T) => string | undefined): T | undefined =>
    value !== undefined && isNear(name(value)) ? value : undefined;
  const nameOf = ({ name }: { readonly name: string }): string => name;
  const endpointName = ({ endpoint }: { readonly endpoint?: { readonly name: string } | undefined }) => endpoint?.name;
  // Another tenant may have had this id before: what was done to that one is nobody's in this one.
  const tenantOfOperation = ({ operation }: OperationConfig): string | undefined => {
    const since = snapshot.tenant(tenantOfName(operation?.tenant ?? '') ?? '')?.tenant?.createTime;
    const isOfAnother = since !== undefined && operation?.createTime !== undefined && operation.createTime < since;
    return isOfAnother ? undefined : operation?.tenant;
  };
  return {
    revision: snapshot.revision,
    layout: snapshot.layout,
    writer: snapshot.writer,
    tenant: (id) => (tenants.has(id) ? snapshot.tenant(id) : undefined),
    tenants: () => [...tenants].flatMap((id) => snapshot.tenant(id) ?? []),
    endpoint: (uid) => near(snapshot.endpoint(uid), endpointName),
    endpointByName: (name) => (isNear(name) ? snapshot.endpointByName(name) : undefined),
    endpoints: () => [...tenants].flatMap((id) => snapshot.endpointsOf(id)),
    endpointsOf: (id) => (tenants.has(id) ? snapshot.endpointsOf(id) : []),
    endpointIds: () => [...tenants].flatMap((id) => snapshot.endpointIdsOf(id)),
    endpointIdsOf: (id, most) => (tenants.has(id) ? snapshot.endpointIdsOf(id, most) : []),
    endpointCount: (id) => (tenants.has(id) ? snapshot.endpointCount(id) : 0),
    subscriptionCount: (id) => (tenants.has(id) ? snapshot.subscriptionCount(id) : 0),
    subscription: (uid) => near(snapshot.subscription(uid), nameOf),
    subscriptionByName: (name) => (isNear(name) ? snapshot.subscriptionByName(name) : undefined),
    subscriptions: () => filtered(snapshot.subscriptions(), ({ name }) => isNear(name)),
    subscriptionsOf: (uid) => snapshot.subscriptionsOf(uid).filter(({ name }) => isNear(name)),
    apiKey: (id) => near(snapshot.apiKey(id), ({ tenant }) => `tenants/${tenant}`),
    apiKeys: () => filtered(snapshot.apiKeys(), ({ tenant }) => tenants.has(tenant)),
    pause: (id) => near(snapshot.pause(id), nameOf),
    pauses: () => filtered(snapshot.pauses(), ({ name }) => isNear(name)),
    roleBinding: (id) => near(snapshot.roleBinding(id), ({ tenant }) => tenant),
    roleBindings: () => filtered(snapshot.roleBindings(), ({ tenant }) => isNear(tenant)),
    roleBindingsOf: (principal) => snapshot.roleBindingsOf(principal).filter(({ tenant }) => isNear(tenant)),
    // What the installation publishes is told to all of its tenants.
    eventType: (type) => snapshot.eventType(type),
    eventTypes: () => snapshot.eventTypes(),
    // Published for everybody.
    egressAddress: (id) => snapshot.egressAddress(id),
    egressAddresses: () => snapshot.egressAddresses(),
    operation: (id) => near(snapshot.operation(id), tenantOfOperation),
    operations: () => filtered(snapshot.operations(), (one) => isNear(tenantOfOperation(one))),
    drain: () => undefined,
    drains: () => [],
    // A uid is known to who may see it only; a tenant's id, and so its pause's, may be anybody's guess.
    unreadable: (kind, id) => {
      const tenant = kind === 'tenant' ? id : kind === 'pause' ? tenantOfName(id) : null;
      return tenant === null || tenants.has(tenant) ? snapshot.unreadable(kind, id) : undefined;
    },
    problems: () => [],
  };
}

function filtered<T>(values: Iterable<T>, isWanted: (value: T) => boolean): readonly T[] {
  return Array.from(values).filter(isWanted);
}
