import { credentials, Metadata } from '@grpc/grpc-js';
import { EndpointServiceClient } from '@postrider/contract/postrider/v1/endpoint_service';
import { TenantServiceClient } from '@postrider/contract/postrider/v1/tenant_service';
import { quantile } from '../../support/quantile.ts';
import { round } from '../machine.ts';
import type { Client, ServiceError } from '@grpc/grpc-js';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';

/** What many callers do at once was like. */
export interface Called {
  readonly calls: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** A connection to the control plane of its own. */
export interface PlaneClient extends Disposable {
  createTenant(id: string): Promise<unknown>;
  createEndpoint(tenant: string, id: string): Promise<Endpoint>;
  getEndpoint(name: string): Promise<Endpoint>;
}

/** Opens a connection that is shared with no other. */
export function openPlaneClient(server: string, apiKey: string): PlaneClient {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${apiKey}`);
  const own = { 'grpc.use_local_subchannel_pool': 1 };
  const tenants = new TenantServiceClient(server, credentials.createInsecure(), own);
  const endpoints = new EndpointServiceClient(server, credentials.createInsecure(), own);
  const call = <Request, Answer>(client: Client, method: Unary<Request, Answer>, request: Request): Promise<Answer> =>
    new Promise((resolve, reject) => {
      method.call(client, request, metadata, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
  return {
    createTenant: (tenantId) => call(tenants, tenants.createTenant, { tenantId, tenant: undefined, requestId: '' }),
    createEndpoint: (tenant, endpointId) =>
      call(endpoints, endpoints.createEndpoint, {
        ...{ parent: `tenants/${tenant}`, endpointId, requestId: '' },
        endpoint: Endpoint.fromPartial({ url: `https://hooks.example.com/${endpointId}` }),
      }),
    getEndpoint: (name) => call(endpoints, endpoints.getEndpoint, { name }),
    [Symbol.dispose]: () => {
      tenants.close();
      endpoints.close();
    },
  };
}

type Unary<Request, Answer> = (
  request: Request,
  metadata: Metadata,
  callback: (error: ServiceError | null, answer: Answer) => void,
) => unknown;

/** So many callers, each of which calls again as soon as it is answered, until `next` gives nothing more to do. */
export async function callAtOnce(callers: number, next: () => (() => Promise<unknown>) | null): Promise<Called> {
  const took: number[] = [];
  const caller = async (): Promise<void> => {
    for (let call = next(); call !== null; call = next()) {
      const began = performance.now();
      await call();
      took.push(performance.now() - began);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - began) / 1_000;
  return {
    calls: took.length,
    perSecond: round(took.length / seconds),
    p50Ms: round(quantile(took, 0.5), 2),
    p99Ms: round(quantile(took, 0.99), 2),
    maxMs: round(quantile(took, 1), 2),
  };
}
