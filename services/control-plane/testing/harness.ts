/**
 * A control plane on the in-memory Kafka with real gRPC clients over loopback.
 * Doubles: Kafka only. Observed: answers, statuses with their details, the records on `config`, the log.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { credentials, Metadata, status } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, QuotaFailure, RetryInfo } from '@postrider/contract/google/rpc/error_details';
import { Status } from '@postrider/contract/google/rpc/status';
import { AccessServiceClient } from '@postrider/contract/postrider/v1/access_service';
import { EndpointServiceClient } from '@postrider/contract/postrider/v1/endpoint_service';
import { EventServiceClient } from '@postrider/contract/postrider/v1/event_service';
import { EventTypeServiceClient } from '@postrider/contract/postrider/v1/event_type_service';
import { DeliveryServiceClient } from '@postrider/contract/postrider/v1/delivery_service';
import { EgressServiceClient } from '@postrider/contract/postrider/v1/egress_service';
import { DispatcherServiceClient } from '@postrider/contract/postrider/v1/dispatcher_service';
import { OperationServiceClient } from '@postrider/contract/postrider/v1/operation_service';
import { PauseServiceClient } from '@postrider/contract/postrider/v1/pause_service';
import { SecretServiceClient } from '@postrider/contract/postrider/v1/secret_service';
import { SubscriptionServiceClient } from '@postrider/contract/postrider/v1/subscription_service';
import { TenantServiceClient } from '@postrider/contract/postrider/v1/tenant_service';
import { localKeys } from '@postrider/config-view';
import { durationMs, limits, parseKek, Secret } from '@postrider/core';
import { createFakeKafka } from '@postrider/kafka/testing';
import { recordingLogger } from '@postrider/runtime';
import { parseApiKey } from '../src/api-key.ts';
import { startControlPlane } from '../src/service.ts';
import { STATUS_DETAILS_TRAILER } from '../src/grpc-status.ts';
import type {
  CallOptions,
  ChannelCredentials,
  ChannelOptions,
  Client,
  ClientUnaryCall,
  ServiceError,
} from '@grpc/grpc-js';
import type { FakeKafka, FakePort } from '@postrider/kafka/testing';
import type { ControlPlane, ControlPlaneConfig } from '../src/service.ts';
import type { ReplicaChannel } from '../src/tls/replica-channel.ts';

export const ADMIN_KEY = `prk_test_${'a1'.repeat(16)}`;
/** The key-encryption key of every test's control plane. */
export const testKek = parseKek(createHash('sha256').update('kek of the tests').digest('hex'));
export const CONFIG_TOPIC = 'postrider.config';
export const AUDIT_TOPIC = 'postrider.audit';

let processes = 0;

export interface Running extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly kafka: FakeKafka;
  readonly port: FakePort;
  readonly log: ReturnType<typeof recordingLogger>;
  readonly tenants: Calls<TenantServiceClient>;
  readonly endpoints: Calls<EndpointServiceClient>;
  readonly subscriptions: Calls<SubscriptionServiceClient>;
  readonly pauses: Calls<PauseServiceClient>;
  readonly deliveries: Calls<DeliveryServiceClient>;
  readonly dispatchers: Calls<DispatcherServiceClient>;
  readonly access: Calls<AccessServiceClient>;
  readonly eventTypes: Calls<EventTypeServiceClient>;
  readonly egress: Calls<EgressServiceClient>;
  readonly secrets: Calls<SecretServiceClient>;
  readonly events: Calls<EventServiceClient>;
  readonly operations: Calls<OperationServiceClient>;
  /** Ends this control plane; the cluster stays. */
  stop(): Promise<void>;
}

/** Every unary method of a client as an async function. */
export type Calls<C> = {
  [M in keyof C]: C[M] extends Overloaded<infer Q, infer R> ? (request: Q) => Promise<R> : never;
};

type Callback<R> = (error: ServiceError | null, response: R) => void;
/** The last of the overloads that ts-proto gives a method. */
type Overloaded<Q, R> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: Callback<R>,
) => ClientUnaryCall;
type Unary = (request: unknown, metadata: Metadata, callback: Callback<unknown>) => void;

export function testConfig(changes: Partial<ControlPlaneConfig> = {}): ControlPlaneConfig {
  processes += 1;
  return {
    processId: `control-plane-${processes}`,
    topicPrefix: 'postrider.',
    partitions: 4,
    replicationFactor: 1,
    createTopics: true,
    auditRetentionMs: limits.auditRetentionMinMs,
    grpc: { host: '127.0.0.1', port: 0, address: '' },
    wellKnownPort: 0,
    readOnly: false,
    eventTypesRequired: false,
    roles: new Set(['config', 'ingest'] as const),
    bodyBytesMax: limits.bodyBytesDefault,
    reflection: true,
    sessionTimeoutMs: 6_000,
    keys: localKeys(testKek),
    bootstrapAdminKey: parseApiKey(new Secret(ADMIN_KEY)),
    allowHttp: false,
    allowLoopback: false,
    allowCidrs: [],
    ...changes,
  };
}

export async function startTestPlane(
  changes: Partial<ControlPlaneConfig> = {},
  kafka: FakeKafka = createFakeKafka(),
  channel: ReplicaChannel = { credentials: credentials.createInsecure(), options: {} },
): Promise<Running> {
  const config = testConfig(changes);
  const port = kafka.connect(config.processId);
  const log = recordingLogger();
  const stopping = new AbortController();
  const plane = await startControlPlane(config, { kafka: port, clock: port.clock, log }, stopping.signal);
  const address = `127.0.0.1:${plane.port}`;
  const open = <C extends Client>(
    Service: new (address: string, creds: ChannelCredentials, options: ChannelOptions) => C,
  ) => new Service(address, channel.credentials, channel.options);
  const clients = [
    open(TenantServiceClient),
    open(EndpointServiceClient),
    open(SubscriptionServiceClient),
    open(PauseServiceClient),
    open(DeliveryServiceClient),
    open(DispatcherServiceClient),
    open(AccessServiceClient),
    open(EventTypeServiceClient),
    open(EgressServiceClient),
    open(SecretServiceClient),
    open(EventServiceClient),
    open(OperationServiceClient),
  ] as const;
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> =>
    (stopped ??= (async () => {
      for (const client of clients) client.close();
      stopping.abort();
      await plane[Symbol.asyncDispose]();
      await port[Symbol.asyncDispose]();
    })());
  return {
    plane,
    kafka,
    port,
    log,
    tenants: calls(clients[0]),
    endpoints: calls(clients[1]),
    subscriptions: calls(clients[2]),
    pauses: calls(clients[3]),
    deliveries: calls(clients[4]),
    dispatchers: calls(clients[5]),
    access: calls(clients[6]),
    eventTypes: calls(clients[7]),
    egress: calls(clients[8]),
    secrets: calls(clients[9]),
    events: calls(clients[10]),
    operations: calls(clients[11]),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Calls with this authorization, none when null, and with these headers beside it. */
export function calls<C extends Client>(
  client: C,
  authorization: string | null = `Bearer ${ADMIN_KEY}`,
  headers: Readonly<Record<string, string>> = {},
): Calls<C> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  if (authorization !== null) metadata.set('authorization', authorization);
  const call = (method: string) => (request: unknown) =>
    new Promise((resolve, reject) => {
      const bound = (client as unknown as Record<string, Unary>)[method];
      bound?.call(client, request, metadata, (error, response) => (error === null ? resolve(response) : reject(error)));
    });
  return new Proxy({}, { get: (_, method) => call(String(method)) }) as Calls<C>;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  /** `field: description` of each violation. */
  readonly violations: readonly string[];
  readonly fields: readonly string[];
  /** Of each violation, in the order of `fields`; empty where there is none. */
  readonly fieldReasons: readonly string[];
  readonly reason: string;
  /** `subject: description` of the quota that is used up; empty when none is. */
  readonly quota: string;
  /** When to come back; 0 when that is not said. */
  readonly retryAfterMs: number;
}

/** The failure of a call, with what its details say; fails the test when it succeeds. */
export async function failure(call: Promise<unknown>): Promise<Failure> {
  const error = await call.then(
    () => assert.fail('the call succeeded'),
    (reason: unknown) => reason as ServiceError,
  );
  const [trailer] = error.metadata?.get(STATUS_DETAILS_TRAILER) ?? [];
  const details = Buffer.isBuffer(trailer) ? Status.decode(trailer).details : [];
  const find = (name: string): Uint8Array | undefined => details.find(({ typeUrl }) => typeUrl.endsWith(name))?.value;
  const violations = BadRequest.decode(find('google.rpc.BadRequest') ?? new Uint8Array()).fieldViolations;
  const quota = QuotaFailure.decode(find('google.rpc.QuotaFailure') ?? new Uint8Array()).violations;
  const { retryDelay } = RetryInfo.decode(find('google.rpc.RetryInfo') ?? new Uint8Array());
  return {
    code: status[error.code],
    message: error.details,
    violations: violations.map(({ field, description }) => `${field}: ${description}`),
    fields: violations.map(({ field }) => field),
    fieldReasons: violations.map(({ reason }) => reason),
    reason: ErrorInfo.decode(find('google.rpc.ErrorInfo') ?? new Uint8Array()).reason,
    quota: quota.map(({ subject, description }) => `${subject}: ${description}`).join(),
    retryAfterMs: retryDelay === undefined ? 0 : durationMs(retryDelay),
  };
}
