import { credentials, Metadata } from '@grpc/grpc-js';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { EndpointServiceClient } from '@postrider/contract/postrider/v1/endpoint_service';
import { Tenant, type TenantQuotas } from '@postrider/contract/postrider/v1/tenant';
import { TenantServiceClient } from '@postrider/contract/postrider/v1/tenant_service';
import type { Client, ServiceError } from '@grpc/grpc-js';

/** A connection to the control plane of its own. */
export interface PlaneClient extends Disposable {
  createTenant(id: string, quotas?: Partial<TenantQuotas>): Promise<unknown>;
  createEndpoint(tenant: string, id: string): Promise<Endpoint>;
  getEndpoint(name: string): Promise<Endpoint>;
}

/** Opens a connection over TLS that is shared with no other; `ca`: PEM of who issued the server's certificate. */
export function openPlaneClient(server: string, apiKey: string, ca: string): PlaneClient {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${apiKey}`);
  const secure = credentials.createSsl(Buffer.from(ca));
  const own = { 'grpc.use_local_subchannel_pool': 1 };
  const tenants = new TenantServiceClient(server, secure, own);
  const endpoints = new EndpointServiceClient(server, secure, own);
  const call = <Request, Answer>(client: Client, method: Unary<Request, Answer>, request: Request): Promise<Answer> =>
    new Promise((resolve, reject) => {
      method.call(client, request, metadata, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
  return {
    createTenant: (tenantId, quotas = {}) =>
      call(tenants, tenants.createTenant, { tenantId, tenant: Tenant.fromPartial({ quotas }), requestId: '' }),
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
