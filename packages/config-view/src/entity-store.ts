import { createGroupIndex } from './group-index.ts';
import { holdDecoded, holdRecord } from './held-endpoint.ts';
import { createTrieMap } from './trie-map.ts';
import type {
  ApiKeyConfig,
  EndpointConfig,
  EventTypeConfig,
  EgressAddressConfig,
  Layout,
  OperationConfig,
  TenantConfig,
} from '@postrider/contract/postrider/v1/config';
import type { Drain } from '@postrider/contract/postrider/v1/drain';
import type { Pause } from '@postrider/contract/postrider/v1/pause';
import type { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import type { Subscription } from '@postrider/contract/postrider/v1/subscription';
import type { FrozenMap, TrieMap } from './trie-map.ts';
import type { GroupIndex } from './group-index.ts';
import type { HeldEndpoint } from './held-endpoint.ts';
import type { DeletableKind, StoredEntity } from './read-record.ts';
import type { ConfigChange, ConfigSnapshot } from './snapshot.ts';

/** The part of a snapshot that the store gives out. */
export type EntityViews = Omit<ConfigSnapshot, 'revision' | 'writer' | 'unreadable' | 'problems'>;

/** The entities that hold, with their indexes. */
export interface EntityStore {
  /** `record`: the ConfigRecord that it stands in, if it does already. */
  put(id: string, entity: StoredEntity, record?: Buffer): ConfigChange;
  /** Null when there was nothing. */
  remove(kind: DeletableKind, id: string): ConfigChange | null;
  /** The present state; later changes do not touch it. */
  freeze(): EntityViews;
  /** The state of the moment in which something is asked of it: nothing is copied for it when something changes. */
  live(): EntityViews;
  /** Another store in the present state; later changes of either do not touch the other. */
  fork(): EntityStore;
}

interface State {
  readonly tenants: TrieMap<TenantConfig>;
  readonly endpoints: TrieMap<HeldEndpoint>;
  readonly subscriptions: TrieMap<Subscription>;
  readonly apiKeys: TrieMap<ApiKeyConfig>;
  readonly pauses: TrieMap<Pause>;
  readonly drains: TrieMap<Drain>;
  readonly roleBindings: TrieMap<RoleBinding>;
  readonly eventTypes: TrieMap<EventTypeConfig>;
  readonly egressAddresses: TrieMap<EgressAddressConfig>;
  readonly operations: TrieMap<OperationConfig>;
  /** Uid by resource name, of endpoints and subscriptions. */
  readonly names: TrieMap<string>;
  readonly endpointsByTenant: GroupIndex;
  readonly subscriptionsByEndpoint: GroupIndex;
  readonly subscriptionCounts: TrieMap<number>;
  readonly bindingsByPrincipal: GroupIndex;
  layout: Layout | null;
}

/** A store without entities. */
export function createEntityStore(): EntityStore {
  return storeOf({
    tenants: createTrieMap(),
    endpoints: createTrieMap(),
    subscriptions: createTrieMap(),
    apiKeys: createTrieMap(),
    pauses: createTrieMap(),
    drains: createTrieMap(),
    roleBindings: createTrieMap(),
    eventTypes: createTrieMap(),
    egressAddresses: createTrieMap(),
    operations: createTrieMap(),
    names: createTrieMap(),
    endpointsByTenant: createGroupIndex(),
    subscriptionsByEndpoint: createGroupIndex(),
    subscriptionCounts: createTrieMap(),
    bindingsByPrincipal: createGroupIndex(),
    layout: null,
  });
}

function storeOf(state: State): EntityStore {
  return {
    fork: () => storeOf(forked(state)),
    put: (id, entity, record) => put(state, id, entity, record),
    remove(kind, id) {
      const change = removers[kind](state, id, undefined);
      return change.before === undefined ? null : change;
    },
    live: () => viewsOf(state),
    freeze: () =>
      viewsOf({
        layout: state.layout,
        tenants: state.tenants.freeze(),
        endpoints: state.endpoints.freeze(),
        subscriptions: state.subscriptions.freeze(),
        apiKeys: state.apiKeys.freeze(),
        pauses: state.pauses.freeze(),
        drains: state.drains.freeze(),
        roleBindings: state.roleBindings.freeze(),
        eventTypes: state.eventTypes.freeze(),
        egressAddresses: state.egressAddresses.freeze(),
        operations: state.operations.freeze(),
        names: state.names.freeze(),
        endpointsByTenant: state.endpointsByTenant.freeze(),
        subscriptionsByEndpoint: state.subscriptionsByEndpoint.freeze(),
        subscriptionCounts: state.subscriptionCounts.freeze(),
        bindingsByPrincipal: state.bindingsByPrincipal.freeze(),
      }),
  };
}

function forked(state: State): State {
  const parts = Object.entries(state).map(([name, part]: [string, State[keyof State]]) => [
    name,
    part !== null && 'fork' in part ? part.fork() : part,
  ]);
  return Object.fromEntries(parts) as State;
}

function put(state: State, id: string, entity: StoredEntity, record: Buffer | undefined): ConfigChange {
  switch (entity.$case) {
    case 'tenant':
      return setTenant(state, id, entity.value);
    case 'endpoint':
      return setEndpoint(state, id, entity.value, record);
    case 'subscription':
      return setSubscription(state, id, entity.value);
    case 'apiKey':
      return setApiKey(state, id, entity.value);
    case 'pause':
      return setPause(state, id, entity.value);
    case 'drain':
      return setDrain(state, id, entity.value);
    case 'roleBinding':
      return setRoleBinding(state, id, entity.value);
    case 'eventType':
      return setEventType(state, id, entity.value);
    case 'egressAddress':
      return setEgressAddress(state, id, entity.value);
    case 'operation':
      return setOperation(state, id, entity.value);
    case 'layout': {
      const before = state.layout ?? undefined;
      state.layout = entity.value;
      return { kind: 'layout', id, ...sides(before, entity.value) };
    }
  }
}

const removers: Readonly<Record<DeletableKind, (state: State, id: string, after: undefined) => ConfigChange>> = {
  tenant: setTenant,
  endpoint: setEndpoint,
  subscription: setSubscription,
  'api-key': setApiKey,
  pause: setPause,
  drain: setDrain,
  'role-binding': setRoleBinding,
  'event-type': setEventType,
  'egress-address': setEgressAddress,
  operation: setOperation,
};

function setTenant(state: State, id: string, after: TenantConfig | undefined): ConfigChange {
  return { kind: 'tenant', id, ...sides(replace(state.tenants, id, after), after) };
}

function setApiKey(state: State, id: string, after: ApiKeyConfig | undefined): ConfigChange {
  return { kind: 'api-key', id, ...sides(replace(state.apiKeys, id, after), after) };
}

function setPause(state: State, id: string, after: Pause | undefined): ConfigChange {
  return { kind: 'pause', id, ...sides(replace(state.pauses, id, after), after) };
}

function setDrain(state: State, id: string, after: Drain | undefined): ConfigChange {
  return { kind: 'drain', id, ...sides(replace(state.drains, id, after), after) };
}

function setEgressAddress(state: State, id: string, after: EgressAddressConfig | undefined): ConfigChange {
  return { kind: 'egress-address', id, ...sides(replace(state.egressAddresses, id, after), after) };
}

function setOperation(state: State, id: string, after: OperationConfig | undefined): ConfigChange {
  return { kind: 'operation', id, ...sides(replace(state.operations, id, after), after) };
}

function setRoleBinding(state: State, id: string, after: RoleBinding | undefined): ConfigChange {
  const before = replace(state.roleBindings, id, after);
  if (before !== undefined) state.bindingsByPrincipal.remove(before.principal, id);
  if (after !== undefined) state.bindingsByPrincipal.add(after.principal, id);
  return { kind: 'role-binding', id, ...sides(before, after) };
}

function setEventType(state: State, id: string, after: EventTypeConfig | undefined): ConfigChange {
  return { kind: 'event-type', id, ...sides(replace(state.eventTypes, id, after), after) };
}

function setEndpoint(state: State, id: string, after: EndpointConfig | undefined, record?: Buffer): ConfigChange {
  const held = after === undefined ? undefined : hold(id, after, record);
  const before = replace(state.endpoints, id, held);
  if (before !== undefined) state.endpointsByTenant.remove(tenantOf(before), id);
  if (held !== undefined) state.endpointsByTenant.add(tenantOf(held), id);
  rename(state, id, before?.name, held?.name);
  return { kind: 'endpoint', id, ...sides(before?.get(), after) };
}

function hold(uid: string, config: EndpointConfig, record: Buffer | undefined): HeldEndpoint {
  return record === undefined ? holdDecoded(uid, config) : holdRecord(uid, config.endpoint?.name ?? '', record);
}

function setSubscription(state: State, id: string, after: Subscription | undefined): ConfigChange {
  const before = replace(state.subscriptions, id, after);
  if (before !== undefined) state.subscriptionsByEndpoint.remove(before.endpointUid, id);
  if (after !== undefined) state.subscriptionsByEndpoint.add(after.endpointUid, id);
  if (before?.name !== after?.name) {
    countOne(state.subscriptionCounts, before?.name, -1);
    countOne(state.subscriptionCounts, after?.name, 1);
  }
  rename(state, id, before?.name, after?.name);
  return { kind: 'subscription', id, ...sides(before, after) };
}

function countOne(counts: TrieMap<number>, name: string | undefined, step: number): void {
  const tenant = name?.split('/')[1];
  if (tenant === undefined) return;
  const count = (counts.get(tenant) ?? 0) + step;
  if (count > 0) counts.set(tenant, count);
  else counts.delete(tenant);
}

/** Puts or removes; what stood there. */
function replace<V>(map: TrieMap<V>, id: string, after: V | undefined): V | undefined {
  const before = map.get(id);
  if (after === undefined) map.delete(id);
  else map.set(id, after);
  return before;
}

function rename({ names }: State, id: string, before: string | undefined, after: string | undefined): void {
  if (before === after) return;
  // A name that was given to another entity since is that entity's now.
  if (before !== undefined && names.get(before) === id) names.delete(before);
  if (after !== undefined) names.set(after, id);
}

type Groups = Pick<FrozenMap<FrozenMap<string>>, 'get'>;

interface Frozen {
  readonly layout: Layout | null;
  readonly tenants: FrozenMap<TenantConfig>;
  readonly endpoints: FrozenMap<HeldEndpoint>;
  readonly subscriptions: FrozenMap<Subscription>;
  readonly apiKeys: FrozenMap<ApiKeyConfig>;
  readonly pauses: FrozenMap<Pause>;
  readonly drains: FrozenMap<Drain>;
  readonly roleBindings: FrozenMap<RoleBinding>;
  readonly eventTypes: FrozenMap<EventTypeConfig>;
  readonly egressAddresses: FrozenMap<EgressAddressConfig>;
  readonly operations: FrozenMap<OperationConfig>;
  /** Uid by resource name, of endpoints and subscriptions. */
  readonly names: FrozenMap<string>;
  readonly endpointsByTenant: Groups;
  readonly subscriptionsByEndpoint: Groups;
  readonly subscriptionCounts: FrozenMap<number>;
  readonly bindingsByPrincipal: Groups;
}

function viewsOf(frozen: Frozen): EntityViews {
  const { tenants, endpoints, subscriptions, apiKeys, pauses, drains, names, roleBindings, eventTypes } = frozen;
  const { egressAddresses, operations } = frozen;
  return {
    layout: frozen.layout,
    tenant: (id) => tenants.get(id),
    tenants: () => iterable(tenants),
    endpoint: (uid) => endpoints.get(uid)?.get(),
    endpointByName: (name) => endpoints.get(names.get(name) ?? '')?.get(),
    endpoints: () => ({ [Symbol.iterator]: () => looked(endpoints) }),
    endpointsOf: (tenantId) => members(frozen.endpointsByTenant, tenantId, endpoints).map((held) => held.look()),
    endpointIds: () => iterable(endpoints),
    endpointIdsOf: (tenantId, most) => members(frozen.endpointsByTenant, tenantId, endpoints, most),
    endpointCount: (tenantId) => frozen.endpointsByTenant.get(tenantId)?.size ?? 0,
    subscription: (uid) => subscriptions.get(uid),
    subscriptionByName: (name) => subscriptions.get(names.get(name) ?? ''),
    subscriptions: () => iterable(subscriptions),
    subscriptionCount: (tenantId) => frozen.subscriptionCounts.get(tenantId) ?? 0,
    subscriptionsOf: (endpointUid) => members(frozen.subscriptionsByEndpoint, endpointUid, subscriptions),
    apiKey: (id) => apiKeys.get(id),
    apiKeys: () => iterable(apiKeys),
    pause: (id) => pauses.get(id),
    pauses: () => iterable(pauses),
    drain: (processId) => drains.get(processId),
    drains: () => iterable(drains),
    roleBinding: (id) => roleBindings.get(id),
    roleBindings: () => iterable(roleBindings),
    egressAddress: (id) => egressAddresses.get(id),
    egressAddresses: () => iterable(egressAddresses),
    operation: (id) => operations.get(id),
    operations: () => iterable(operations),
    roleBindingsOf: (principal) => members(frozen.bindingsByPrincipal, principal, roleBindings),
    eventType: (type) => eventTypes.get(type),
    eventTypes: () => iterable(eventTypes),
  };
}

function iterable<V>(map: FrozenMap<V>): Iterable<V> {
  return { [Symbol.iterator]: () => map.values() };
}

function* looked(endpoints: FrozenMap<HeldEndpoint>): IterableIterator<EndpointConfig> {
  for (const held of endpoints.values()) yield held.look();
}

function members<V>(index: Groups, group: string, entities: FrozenMap<V>, most = Infinity): readonly V[] {
  const found: V[] = [];
  for (const id of index.get(group)?.values() ?? []) {
    if (found.length >= most) break;
    const entity = entities.get(id);
    if (entity !== undefined) found.push(entity);
  }
  return found;
}

/** The tenant's id: the second part of an endpoint's resource name. */
function tenantOf({ name }: HeldEndpoint): string {
  return name.split('/')[1] ?? '';
}

function sides<V>(before: V | undefined, after: V | undefined): { readonly before?: V; readonly after?: V } {
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}
