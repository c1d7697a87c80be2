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
import type { ConfigKind } from './config-key.ts';
import type { EndpointIds } from './held-endpoint.ts';
import type { ConfigProblem } from './config-problem.ts';

/** The newest writer claim. */
export interface ConfigWriter {
  /** Offset of the claim: the writer epoch. */
  readonly epoch: number;
  readonly processId: string;
  readonly randomId: Buffer;
  /** Where the other replicas reach its API, `host:port`; empty: nowhere. */
  readonly address: string;
}

/**
 * The configuration at one moment. It never changes; neither may whoever reads it change what it gives out. Ids are the
 * parts behind the kind in a record's key: a tenant's id, the uid of an endpoint or subscription.
 */
export interface ConfigSnapshot {
  /** The highest revision that was seen, as text; `0` when there is none. */
  readonly revision: string;
  /** How endpoints are laid out over partitions; null before the control plane wrote it. */
  readonly layout: Layout | null;
  readonly writer: ConfigWriter | null;
  tenant(id: string): TenantConfig | undefined;
  /** All tenants, in no order. */
  tenants(): Iterable<TenantConfig>;
  endpoint(uid: string): EndpointConfig | undefined;
  endpointByName(name: string): EndpointConfig | undefined;
  /** All endpoints, in no order. Each is decoded for it: who needs only their names asks for their ids. */
  endpoints(): Iterable<EndpointConfig>;
  /** A tenant's endpoints, in no order; as `endpoints`. */
  endpointsOf(tenantId: string): readonly EndpointConfig[];
  /** The same without decoding them. */
  endpointIds(): Iterable<EndpointIds>;
  /** @param most so many of them at most; all when absent */
  endpointIdsOf(tenantId: string, most?: number): readonly EndpointIds[];
  /** How many endpoints a tenant has. */
  endpointCount(tenantId: string): number;
  subscription(uid: string): Subscription | undefined;
  subscriptionByName(name: string): Subscription | undefined;
  /** All subscriptions, in no order. */
  subscriptions(): Iterable<Subscription>;
  /** How many subscriptions a tenant has. */
  subscriptionCount(tenantId: string): number;
  /** An endpoint's subscriptions, in no order. */
  subscriptionsOf(endpointUid: string): readonly Subscription[];
  apiKey(id: string): ApiKeyConfig | undefined;
  apiKeys(): Iterable<ApiKeyConfig>;
  /** By its id: see `pauseIdOf` of core. It may be over already. */
  pause(id: string): Pause | undefined;
  /** All pauses that nobody has ended, in no order. */
  pauses(): Iterable<Pause>;
  /** By the id of a dispatcher's process. */
  drain(processId: string): Drain | undefined;
  /** All drains, in no order. */
  drains(): Iterable<Drain>;
  roleBinding(id: string): RoleBinding | undefined;
  /** All role bindings, in no order. */
  roleBindings(): Iterable<RoleBinding>;
  /** The role bindings of a principal, in no order. */
  roleBindingsOf(principal: string): readonly RoleBinding[];
  /** By the type itself. */
  eventType(type: string): EventTypeConfig | undefined;
  /** All event types that are described, in no order. */
  eventTypes(): Iterable<EventTypeConfig>;
  /** By its id, `{pool}/{address}`. */
  egressAddress(id: string): EgressAddressConfig | undefined;
  /** All announced source addresses, in no order. */
  egressAddresses(): Iterable<EgressAddressConfig>;
  operation(id: string): OperationConfig | undefined;
  /** All operations, also those that are done, in no order. */
  operations(): Iterable<OperationConfig>;
  /**
   * The record of this entity that this version could not read, if its newest one is such. An entity that is absent *and*
   * unreadable is not known to be gone: whoever would cancel work for a missing entity asks this first.
   */
  unreadable(kind: ConfigKind, id: string): ConfigProblem | undefined;
  /** Every record that is kept aside. */
  problems(): Iterable<ConfigProblem>;
}

/** One entity that changed. `before` is absent for a new one, `after` for a deleted one. */
export type ConfigChange =
  | Change<'tenant', TenantConfig>
  | Change<'endpoint', EndpointConfig>
  | Change<'subscription', Subscription>
  | Change<'layout', Layout>
  | Change<'writer', ConfigWriter>
  | Change<'api-key', ApiKeyConfig>
  | Change<'pause', Pause>
  | Change<'drain', Drain>
  | Change<'role-binding', RoleBinding>
  | Change<'event-type', EventTypeConfig>
  | Change<'egress-address', EgressAddressConfig>
  | Change<'operation', OperationConfig>;

interface Change<K extends ConfigKind, V> {
  readonly kind: K;
  readonly id: string;
  readonly before?: V;
  readonly after?: V;
}
