import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { startAccepting } from '@postrider/runtime';
import { AccessServiceService } from '@postrider/contract/postrider/v1/access_service';
import { EventServiceService } from '@postrider/contract/postrider/v1/event_service';
import { AuditServiceService } from '@postrider/contract/postrider/v1/audit_service';
import { EventTypeServiceService } from '@postrider/contract/postrider/v1/event_type_service';
import { EndpointServiceService } from '@postrider/contract/postrider/v1/endpoint_service';
import { DeliveryServiceService } from '@postrider/contract/postrider/v1/delivery_service';
import { EgressServiceService } from '@postrider/contract/postrider/v1/egress_service';
import { DispatcherServiceService } from '@postrider/contract/postrider/v1/dispatcher_service';
import { OperationServiceService } from '@postrider/contract/postrider/v1/operation_service';
import { PauseServiceService } from '@postrider/contract/postrider/v1/pause_service';
import { SubscriptionServiceService } from '@postrider/contract/postrider/v1/subscription_service';
import { TenantServiceService } from '@postrider/contract/postrider/v1/tenant_service';
import { createAdmission } from './admission.ts';
import { createAnswersHandler } from './answers-handler.ts';
import { createCallRates } from './call-rates.ts';
import { getAuditEntry, listAuditEntries } from './audit/methods.ts';
import { exportAuditEntries, verifyAuditChain } from './audit/streams.ts';
import * as apiKeys from './api-key-methods.ts';
import * as egress from './egress/egress-methods.ts';
import * as endpoints from './endpoint-methods.ts';
import * as eventTypes from './event-types/event-type-methods.ts';
import { disableEndpoint, enableEndpoint } from './endpoint-state-methods.ts';
import { createHandler } from './handler.ts';
import * as deliveries from './delivery-methods.ts';
import * as dispatchers from './dispatcher-methods.ts';
import * as operations from './operations/operation-methods.ts';
import { publishEvents } from './publishing/publish-methods.ts';
import { createStreamHandler } from './publishing/stream-handler.ts';
import * as pauses from './pause-methods.ts';
import { readWhole } from './unread-request.ts';
import { addReflection } from './reflection/reflection.ts';
import { createCallWatch, type CallWatch } from './server/call-watch.ts';
import { emptyClosedStreams } from './server/closed-streams.ts';
import { createEntrance } from './server/entrance.ts';
import { serverLimits } from './server-limits.ts';
import * as roleBindings from './role-binding-methods.ts';
import { addSecrets } from './secrets/serve-secrets.ts';
import { machineOf } from './stranger.ts';
import * as subscriptions from './subscription-methods.ts';
import * as tenants from './tenant-methods.ts';
import type { ServerOptions, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { AccessServiceServer } from '@postrider/contract/postrider/v1/access_service';
import type { AuditServiceServer } from '@postrider/contract/postrider/v1/audit_service';
import type { EndpointServiceServer } from '@postrider/contract/postrider/v1/endpoint_service';
import type { EventServiceServer } from '@postrider/contract/postrider/v1/event_service';
import type { EventTypeServiceServer } from '@postrider/contract/postrider/v1/event_type_service';
import type { DeliveryServiceServer } from '@postrider/contract/postrider/v1/delivery_service';
import type { EgressServiceServer } from '@postrider/contract/postrider/v1/egress_service';
import type { DispatcherServiceServer } from '@postrider/contract/postrider/v1/dispatcher_service';
import type { OperationServiceServer } from '@postrider/contract/postrider/v1/operation_service';
import type { PauseServiceServer } from '@postrider/contract/postrider/v1/pause_service';
import type { SubscriptionServiceServer } from '@postrider/contract/postrider/v1/subscription_service';
import type { TenantServiceServer } from '@postrider/contract/postrider/v1/tenant_service';
import type { Clock } from '@postrider/core';
import type { Accepting } from '@postrider/runtime';
import type { Duplex } from 'node:stream';
import type { ServiceContext } from './call.ts';
import type { ControlPlaneEvents } from './events.ts';
import type { ForwardCall } from './forward-call.ts';
import type { LiveTls } from './tls/live-tls.ts';
import type { ControlPlaneRole } from './service.ts';

export interface ApiServerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly reflection: boolean;
  readonly roles: ReadonlySet<ControlPlaneRole>;
  readonly context: ServiceContext;
  readonly events: ControlPlaneEvents;
  /** Is told of every service. */
  readonly forward: Pick<ForwardCall, 'know'>;
  readonly clock: Clock;
  /** What it shows of itself; absent: it speaks plaintext. */
  readonly tls?: Pick<LiveTls, 'credentials' | 'onClientAuthorities'>;
}

type Handle = ReturnType<typeof createHandler>;
type Answers = ReturnType<typeof createAnswersHandler>;

export interface ApiServer extends AsyncDisposable {
  /** The port listened on. */
  readonly port: number;
  /** Tells health checks whether calls are worth making. */
  setServing(serving: boolean): void;
}

const eventService = 'postrider.v1.EventService';
const configServices = [
  'postrider.v1.TenantService',
  'postrider.v1.EndpointService',
  'postrider.v1.SubscriptionService',
  'postrider.v1.PauseService',
  'postrider.v1.DeliveryService',
  'postrider.v1.DispatcherService',
  'postrider.v1.AccessService',
  'postrider.v1.SecretService',
  'postrider.v1.EventTypeService',
  'postrider.v1.EgressService',
  'postrider.v1.AuditService',
  'postrider.v1.OperationService',
];

/** Listens and serves. Rejects with one sentence that names the port and its variable when the port cannot be had. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  // The library writes to standard error by itself what also comes back as an error.
  setLogVerbosity(logVerbosity.NONE);
  let accepting: Accepting | null = null;
  const watch = createCallWatch({
    clock: options.clock,
    used: (peer) => accepting?.used(peer),
    drop: (peer) => accepting?.drop(peer),
  });
  const { roles, context, events } = options;
  const rates = createCallRates(context.clock);
  const entrance = createEntrance({ context, rates, events });
  const server = new KnownServer(options.forward, watch, {
    'grpc.max_receive_message_length': serverLimits.requestBytesMax,
    'grpc.max_send_message_length': serverLimits.answerBytesMax,
    'grpc.max_concurrent_streams': serverLimits.concurrentStreamsMax,
    'grpc.keepalive_time_ms': serverLimits.keepaliveEveryMs,
    'grpc.keepalive_timeout_ms': serverLimits.keepaliveTimeoutMs,
    'grpc.max_connection_age_ms': serverLimits.connectionAgeMs,
    'grpc.max_connection_age_grace_ms': serverLimits.connectionAgeGraceMs,
    'grpc.max_connection_idle_ms': serverLimits.connectionIdleMs,
    interceptors: [watch.interceptor, entrance.interceptor],
  });
  const admit = createAdmission(context, entrance);
  const handle = createHandler(context, events, admit);
  if (roles.has('config')) addServices(server, handle, createAnswersHandler(context, events, admit));
  if (roles.has('ingest')) addEvents(server, handle, createStreamHandler(context, events, rates));
  const services = ['', ...(roles.has('config') ? configServices : []), ...(roles.has('ingest') ? [eventService] : [])];
  const health = new HealthImplementation(Object.fromEntries(services.map((name) => [name, 'SERVING' as const])));
  health.addToServer(server);
  if (options.reflection)
    addReflection(
      server,
      services.filter((name) => name !== ''),
    );
  const credentials = options.tls?.credentials ?? ServerCredentials.createInsecure();
  const injector = server.createConnectionInjector(credentials);
  accepting = await accept(options, (socket) => injector.injectConnection(socket));
  const { port } = accepting;
  // Who was believed may not be any more: everybody connects anew, when the calls that have begun are done.
  options.tls?.onClientAuthorities(() => injector.drain(serverLimits.connectionAgeGraceMs));
  const setServing = (serving: boolean): void => {
    for (const name of services) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  };
  const emptied = emptyClosedStreams();
  return {
    port,
    setServing,
    async [Symbol.asyncDispose]() {
      setServing(false);
      using _ = emptied;
      // Told to end as soon as nothing is under way on them. The library does not wait for connections that were handed to it.
      server.tryShutdown(() => {});
      await accepting?.close(serverLimits.stopGraceMs);
    },
  };
}

/** A server whose services' calls can be passed on to another replica. */
class KnownServer extends Server {
  readonly #forward: Pick<ForwardCall, 'know'>;

  readonly #watch: CallWatch;

  constructor(forward: Pick<ForwardCall, 'know'>, watch: CallWatch, options: ServerOptions) {
    super(options);
    this.#forward = forward;
    this.#watch = watch;
  }

  override addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.#forward.know(service);
    super.addService(this.#watch.measured(readWhole(service)), implementation);
  }
}

function addServices(server: Server, handle: Handle, answers: Answers): void {
  const tenantService: TenantServiceServer = {
    createTenant: handle('CreateTenant', tenants.createTenant),
    getTenant: handle('GetTenant', tenants.getTenant),
    listTenants: handle('ListTenants', tenants.listTenants),
    updateTenant: handle('UpdateTenant', tenants.updateTenant),
    deleteTenant: handle('DeleteTenant', tenants.deleteTenant),
  };
  const endpointService: EndpointServiceServer = {
    createEndpoint: handle('CreateEndpoint', endpoints.createEndpoint),
    getEndpoint: handle('GetEndpoint', endpoints.getEndpoint),
    listEndpoints: handle('ListEndpoints', endpoints.listEndpoints),
    updateEndpoint: handle('UpdateEndpoint', endpoints.updateEndpoint),
    deleteEndpoint: handle('DeleteEndpoint', endpoints.deleteEndpoint),
    enableEndpoint: handle('EnableEndpoint', enableEndpoint),
    disableEndpoint: handle('DisableEndpoint', disableEndpoint),
  };
  const subscriptionService: SubscriptionServiceServer = {
    createSubscription: handle('CreateSubscription', subscriptions.createSubscription),
    getSubscription: handle('GetSubscription', subscriptions.getSubscription),
    listSubscriptions: handle('ListSubscriptions', subscriptions.listSubscriptions),
    updateSubscription: handle('UpdateSubscription', subscriptions.updateSubscription),
    deleteSubscription: handle('DeleteSubscription', subscriptions.deleteSubscription),
    addEventTypes: handle('AddEventTypes', subscriptions.addEventTypes),
    removeEventTypes: handle('RemoveEventTypes', subscriptions.removeEventTypes),
  };
  const pauseService: PauseServiceServer = {
    pauseDeliveries: handle('PauseDeliveries', pauses.pauseDeliveries),
    resumeDeliveries: handle('ResumeDeliveries', pauses.resumeDeliveries),
    listPauses: handle('ListPauses', pauses.listPauses),
  };
  server.addService(TenantServiceService, tenantService);
  server.addService(EndpointServiceService, endpointService);
  server.addService(SubscriptionServiceService, subscriptionService);
  server.addService(PauseServiceService, pauseService);
  addLevers(server, handle);
  addAccess(server, handle);
  addSecrets(server, handle);
  addEventTypes(server, handle);
  addEgress(server, handle);
  addAudit(server, handle, answers);
  addOperations(server, handle);
}

/** What goes on after its call. */
function addOperations(server: Server, handle: Handle): void {
  const operationService: OperationServiceServer = {
    getOperation: handle('GetOperation', operations.getOperation),
    listOperations: handle('ListOperations', operations.listOperations),
    waitOperation: handle('WaitOperation', operations.waitOperation),
    deleteOperation: handle('DeleteOperation', operations.deleteOperation),
  };
  server.addService(OperationServiceService, operationService);
}

/** Who changed what. */
function addAudit(server: Server, handle: Handle, answers: Answers): void {
  const auditService: AuditServiceServer = {
    listAuditEntries: handle('ListAuditEntries', listAuditEntries),
    getAuditEntry: handle('GetAuditEntry', getAuditEntry),
    exportAuditEntries: answers('ExportAuditEntries', exportAuditEntries),
    verifyAuditChain: answers('VerifyAuditChain', verifyAuditChain),
  };
  server.addService(AuditServiceService, auditService);
}

/** What the person on call asks of dispatchers and does with them. */
function addLevers(server: Server, handle: Handle): void {
  const deliveryService: DeliveryServiceServer = {
    getEndpointBacklog: handle('GetEndpointBacklog', deliveries.getEndpointBacklog),
    explainDelivery: handle('ExplainDelivery', deliveries.explainDelivery),
    skipDelivery: handle('SkipDelivery', deliveries.skipDelivery),
    moveDelivery: handle('MoveDelivery', deliveries.moveDelivery),
  };
  const dispatcherService: DispatcherServiceServer = {
    listDispatchers: handle('ListDispatchers', dispatchers.listDispatchers),
    drainDispatcher: handle('DrainDispatcher', dispatchers.drainDispatcher),
    undrainDispatcher: handle('UndrainDispatcher', dispatchers.undrainDispatcher),
  };
  server.addService(DeliveryServiceService, deliveryService);
  server.addService(DispatcherServiceService, dispatcherService);
}

/** What an installation's services publish through us. */
function addEvents(server: Server, handle: Handle, publishEventStream: EventServiceServer['publishEventStream']): void {
  const eventServer: EventServiceServer = {
    publishEvents: handle('PublishEvents', publishEvents),
    publishEventStream,
  };
  server.addService(EventServiceService, eventServer);
}

/** What is said of it. */
function addEventTypes(server: Server, handle: Handle): void {
  const eventTypeService: EventTypeServiceServer = {
    createEventType: handle('CreateEventType', eventTypes.createEventType),
    getEventType: handle('GetEventType', eventTypes.getEventType),
    listEventTypes: handle('ListEventTypes', eventTypes.listEventTypes),
    updateEventType: handle('UpdateEventType', eventTypes.updateEventType),
    deleteEventType: handle('DeleteEventType', eventTypes.deleteEventType),
    archiveEventType: handle('ArchiveEventType', eventTypes.archiveEventType),
    unarchiveEventType: handle('UnarchiveEventType', eventTypes.unarchiveEventType),
  };
  server.addService(EventTypeServiceService, eventTypeService);
}

/** Who may do what. */
function addAccess(server: Server, handle: Handle): void {
  const accessService: AccessServiceServer = {
    createApiKey: handle('CreateApiKey', apiKeys.createApiKey),
    getApiKey: handle('GetApiKey', apiKeys.getApiKey),
    listApiKeys: handle('ListApiKeys', apiKeys.listApiKeys),
    updateApiKey: handle('UpdateApiKey', apiKeys.updateApiKey),
    revokeApiKey: handle('RevokeApiKey', apiKeys.revokeApiKey),
    deleteApiKey: handle('DeleteApiKey', apiKeys.deleteApiKey),
    createRoleBinding: handle('CreateRoleBinding', roleBindings.createRoleBinding),
    getRoleBinding: handle('GetRoleBinding', roleBindings.getRoleBinding),
    listRoleBindings: handle('ListRoleBindings', roleBindings.listRoleBindings),
    deleteRoleBinding: handle('DeleteRoleBinding', roleBindings.deleteRoleBinding),
  };
  server.addService(AccessServiceService, accessService);
}

/** Where requests come from. */
function addEgress(server: Server, handle: ReturnType<typeof createHandler>): void {
  const egressService: EgressServiceServer = {
    listEgressPools: handle('ListEgressPools', egress.listEgressPools),
    getEgressPool: handle('GetEgressPool', egress.getEgressPool),
    listEgressAddresses: handle('ListEgressAddresses', egress.listEgressAddresses),
    announceEgressAddress: handle('AnnounceEgressAddress', egress.announceEgressAddress),
    retireEgressAddress: handle('RetireEgressAddress', egress.retireEgressAddress),
  };
  server.addService(EgressServiceService, egressService);
}

function addressOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

async function accept({ host, port, clock }: ApiServerOptions, take: (socket: Duplex) => void): Promise<Accepting> {
  const { connectionsMax, connectionsPerAddressMax, firstCallMs: firstUseMs } = serverLimits;
  const limits = { connectionsMax, connectionsPerAddressMax, firstUseMs };
  try {
    const after: Clock['after'] = (ms, callback) => clock.after(ms, callback);
    return await startAccepting({ host, port, limits, machineOf, take, after });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A taken port is by far the most frequent cause.
    const text =
      code === 'EADDRINUSE'
        ? `port ${port} for the gRPC API is taken by another process; set POSTRIDER_GRPC_PORT to another`
        : `cannot listen on ${addressOf(host, port)} for the gRPC API (POSTRIDER_GRPC_HOST, POSTRIDER_GRPC_PORT): ${message}`;
    throw new Error(text, { cause: error });
  }
}
