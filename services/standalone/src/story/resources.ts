import type { Rpc } from '@postrider/cli';
import { Endpoint, type RetryPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';

/** The tenant whose events the story tells. */
export const tenantId = 'demo';
const tenantName = `tenants/${tenantId}`;

/** One endpoint of the story with its subscription, as the server gave them back. */
export interface Scene {
  readonly tenant: Tenant;
  /** Holds the signing secret, this one time. */
  readonly endpoint: Endpoint;
  readonly subscription: Subscription;
}

export interface SceneOptions {
  readonly endpointId: string;
  readonly url: string;
  readonly eventTypes: readonly string[];
  readonly retryPolicy?: RetryPolicy;
}

const notFound = 5;

/** The tenant, created by the first run and found again by later ones. */
export async function ensureTenant(rpc: Rpc): Promise<Tenant> {
  const existing = await orNotFound(rpc.call(rpc.tenants, rpc.tenants.getTenant, { name: tenantName }));
  if (existing !== null) return existing;
  const tenant = Tenant.fromPartial({ displayName: 'The tenant of the story' });
  return rpc.call(rpc.tenants, rpc.tenants.createTenant, { tenantId, tenant, requestId: '' });
}

/** Removes an endpoint that an earlier run made: it leads to a port that nothing listens on any more. */
export async function removeEndpoint(rpc: Rpc, endpointId: string): Promise<void> {
  const name = `${tenantName}/endpoints/${endpointId}`;
  await orNotFound(rpc.call(rpc.endpoints, rpc.endpoints.deleteEndpoint, { name, etag: '' }));
}

/** Creates an endpoint and a subscription of it. */
export async function createScene(rpc: Rpc, tenant: Tenant, options: SceneOptions): Promise<Scene> {
  const { endpointId, url, retryPolicy, eventTypes } = options;
  const endpoint = await rpc.call(rpc.endpoints, rpc.endpoints.createEndpoint, {
    parent: tenant.name,
    endpointId,
    endpoint: Endpoint.fromPartial({ url, ...(retryPolicy === undefined ? {} : { retryPolicy }) }),
    requestId: '',
  });
  const subscription = await rpc.call(rpc.subscriptions, rpc.subscriptions.createSubscription, {
    parent: endpoint.name,
    subscriptionId: 'all',
    subscription: Subscription.fromPartial({ eventTypes: [...eventTypes] }),
    requestId: '',
  });
  return { tenant, endpoint, subscription };
}

async function orNotFound<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    const { cause } = error as { cause?: { code?: number } };
    if (cause?.code === notFound) return null;
    throw error;
  }
}
