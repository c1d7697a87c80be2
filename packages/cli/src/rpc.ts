import { credentials, Metadata, type CallOptions, type Client, type ServiceError } from '@grpc/grpc-js';
import { AccessServiceClient } from '@postrider/contract/postrider/v1/access_service';
import { EventTypeServiceClient } from '@postrider/contract/postrider/v1/event_type_service';
import { EgressServiceClient } from '@postrider/contract/postrider/v1/egress_service';
import { EndpointServiceClient } from '@postrider/contract/postrider/v1/endpoint_service';
import { DeliveryServiceClient } from '@postrider/contract/postrider/v1/delivery_service';
import { DispatcherServiceClient } from '@postrider/contract/postrider/v1/dispatcher_service';
import { PauseServiceClient } from '@postrider/contract/postrider/v1/pause_service';
import { SecretServiceClient } from '@postrider/contract/postrider/v1/secret_service';
import { SubscriptionServiceClient } from '@postrider/contract/postrider/v1/subscription_service';
import { TenantServiceClient } from '@postrider/contract/postrider/v1/tenant_service';
import type { Connection } from './connection.ts';
import { explainRpcError } from './rpc-error.ts';

const deadlineMs = 20_000;

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => unknown;

/** The services of the control plane, and one way to call a method. */
export interface Rpc extends Disposable {
  readonly tenants: TenantServiceClient;
  readonly endpoints: EndpointServiceClient;
  readonly subscriptions: SubscriptionServiceClient;
  readonly pauses: PauseServiceClient;
  readonly deliveries: DeliveryServiceClient;
  readonly dispatchers: DispatcherServiceClient;
  readonly access: AccessServiceClient;
  readonly eventTypes: EventTypeServiceClient;
  readonly egress: EgressServiceClient;
  readonly secrets: SecretServiceClient;
  /** Calls a unary method with the API key and a deadline of 20 s. Rejects with `CliError`. */
  call<Request, Response>(client: Client, method: Unary<Request, Response>, request: Request): Promise<Response>;
}

/** Opens the services at `server`. */
export function openRpc({ server, apiKey }: Pick<Connection, 'server' | 'apiKey'>): Rpc {
  const insecure = credentials.createInsecure();
  const clients = {
    tenants: new TenantServiceClient(server, insecure),
    endpoints: new EndpointServiceClient(server, insecure),
    subscriptions: new SubscriptionServiceClient(server, insecure),
    pauses: new PauseServiceClient(server, insecure),
    deliveries: new DeliveryServiceClient(server, insecure),
    dispatchers: new DispatcherServiceClient(server, insecure),
    access: new AccessServiceClient(server, insecure),
    eventTypes: new EventTypeServiceClient(server, insecure),
    egress: new EgressServiceClient(server, insecure),
    secrets: new SecretServiceClient(server, insecure),
  };
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${apiKey}`);
  return {
    ...clients,
    call: (client, method, request) =>
      new Promise((resolve, reject) => {
        method.call(client, request, metadata, { deadline: Date.now() + deadlineMs }, (error, response) => {
          if (error === null) resolve(response);
          else reject(explainRpcError(error, server, apiKey));
        });
      }),
    [Symbol.dispose]: () => {
      for (const client of Object.values(clients)) client.close();
    },
  };
}
