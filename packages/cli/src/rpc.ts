import {
  credentials,
  Metadata,
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  type ClientReadableStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { AccessServiceClient } from '@postrider/contract/postrider/v1/access_service';
import { EventServiceClient } from '@postrider/contract/postrider/v1/event_service';
import { AuditServiceClient } from '@postrider/contract/postrider/v1/audit_service';
import { EventTypeServiceClient } from '@postrider/contract/postrider/v1/event_type_service';
import { EgressServiceClient } from '@postrider/contract/postrider/v1/egress_service';
import { EndpointServiceClient } from '@postrider/contract/postrider/v1/endpoint_service';
import { DeliveryServiceClient } from '@postrider/contract/postrider/v1/delivery_service';
import { DispatcherServiceClient } from '@postrider/contract/postrider/v1/dispatcher_service';
import { OperationServiceClient } from '@postrider/contract/postrider/v1/operation_service';
import { PauseServiceClient } from '@postrider/contract/postrider/v1/pause_service';
import { SecretServiceClient } from '@postrider/contract/postrider/v1/secret_service';
import { SubscriptionServiceClient } from '@postrider/contract/postrider/v1/subscription_service';
import { TenantServiceClient } from '@postrider/contract/postrider/v1/tenant_service';
import { tlsChannel } from '@postrider/runtime';
import { CliError, exitCodes } from './cli-error.ts';
import { explainRpcError } from './rpc-error.ts';
import type { ServerAddress, ServerTls } from './server-tls.ts';

const deadlineMs = 20_000;
/** A server that is back is found within a second; gRPC's own pauses grow to two minutes. */
const reconnecting: ChannelOptions = { 'grpc.max_reconnect_backoff_ms': 1_000 };

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => unknown;

type Streaming<Request, Response> = (request: Request, metadata: Metadata) => ClientReadableStream<Response>;

/** The services of the control plane, and one way to call a method. */
export interface Rpc extends Disposable {
  readonly tenants: TenantServiceClient;
  readonly endpoints: EndpointServiceClient;
  readonly subscriptions: SubscriptionServiceClient;
  readonly pauses: PauseServiceClient;
  readonly deliveries: DeliveryServiceClient;
  readonly dispatchers: DispatcherServiceClient;
  readonly access: AccessServiceClient;
  readonly audit: AuditServiceClient;
  readonly eventTypes: EventTypeServiceClient;
  readonly egress: EgressServiceClient;
  readonly secrets: SecretServiceClient;
  readonly events: EventServiceClient;
  readonly operations: OperationServiceClient;
  /** Calls a unary method with the API key and a deadline of 20 s. Rejects with `CliError`. */
  call<Request, Response>(client: Client, method: Unary<Request, Response>, request: Request): Promise<Response>;
  /** Calls a method with many answers, told one by one, without a deadline. Resolves at its end; rejects with `CliError`. */
  stream<Request, Response>(
    client: Client,
    method: Streaming<Request, Response>,
    request: Request,
    onAnswer: (answer: Response) => void,
  ): Promise<void>;
  /** When the certificate that the server has shown ends; null: it has shown none yet. */
  serverCertificateEnds(): Date | null;
}

export interface RpcOptions extends ServerAddress {
  /** Empty: the client certificate says who calls. */
  readonly apiKey: string;
}

/** Opens the services of a server. Throws `CliError` when a certificate or key that is to be shown cannot be used. */
export function openRpc({ server, tls, apiKey }: RpcOptions): Rpc {
  let serverCertificateEnds: Date | null = null;
  const { channel, options } = channelTo(server, tls, (endsAt) => (serverCertificateEnds = endsAt));
  const clients = {
    secrets: new SecretServiceClient(server, channel, options),
    tenants: new TenantServiceClient(server, channel, options),
    endpoints: new EndpointServiceClient(server, channel, options),
    subscriptions: new SubscriptionServiceClient(server, channel, options),
    pauses: new PauseServiceClient(server, channel, options),
    deliveries: new DeliveryServiceClient(server, channel, options),
    dispatchers: new DispatcherServiceClient(server, channel, options),
    access: new AccessServiceClient(server, channel, options),
    audit: new AuditServiceClient(server, channel, options),
    eventTypes: new EventTypeServiceClient(server, channel, options),
    egress: new EgressServiceClient(server, channel, options),
    events: new EventServiceClient(server, channel, options),
    operations: new OperationServiceClient(server, channel, options),
  };
  const metadata = new Metadata();
  if (apiKey !== '') metadata.set('authorization', `Bearer ${apiKey}`);
  return {
    ...clients,
    call: (client, method, request) =>
      new Promise((resolve, reject) => {
        method.call(client, request, metadata, { deadline: Date.now() + deadlineMs }, (error, response) => {
          if (error === null) resolve(response);
          else reject(explainRpcError(error, { server, isTls: tls !== undefined, apiKey }));
        });
      }),
    stream: (client, method, request, onAnswer) =>
      new Promise((resolve, reject) => {
        const answers = method.call(client, request, metadata);
        answers.on('data', onAnswer);
        answers.on('end', resolve);
        answers.on('error', (error: ServiceError) =>
          reject(explainRpcError(error, { server, isTls: tls !== undefined, apiKey })),
        );
      }),
    serverCertificateEnds: () => serverCertificateEnds,
    [Symbol.dispose]: () => {
      for (const client of Object.values(clients)) client.close();
    },
  };
}

function channelTo(
  server: string,
  tls: ServerTls | undefined,
  onEnd: (endsAt: Date) => void,
): { readonly channel: ChannelCredentials; readonly options: ChannelOptions } {
  if (tls === undefined) return { channel: credentials.createInsecure(), options: reconnecting };
  try {
    const { secureContext, verify, options } = tlsChannel({
      ...{ address: server, ...tls },
      onServer: ({ valid_to: end }) => onEnd(new Date(end)),
    });
    return {
      channel: credentials.createFromSecureContext(secureContext, verify),
      options: { ...reconnecting, ...options },
    };
  } catch (error) {
    const text = `What --ca, --cert and --key name cannot be used: ${(error as Error).message}.`;
    throw new CliError(exitCodes.usage, text, { cause: error });
  }
}
