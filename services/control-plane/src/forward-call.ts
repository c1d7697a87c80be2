import { makeClientConstructor, status } from '@grpc/grpc-js';
import { FORWARDED_FOR_METADATA } from './audit/origin.ts';
import { serverLimits } from './server-limits.ts';
import { FORWARDED_METADATA, leftOf, REVISION_TRAILER } from './call-routing.ts';
import type { Client, Metadata, MethodDefinition, ServiceDefinition, ServiceError, StatusObject } from '@grpc/grpc-js';
import type { Clock } from '@postrider/core';
import type { Routed, RoutedCall } from './call-routing.ts';
import type { ReplicaChannel } from './tls/replica-channel.ts';
import type { Showing } from './tls/shown.ts';

export interface ForwardCallOptions {
  readonly processId: string;
  readonly clock: Clock;
  /** Makes what a call that is passed on says of its caller's certificate. */
  readonly showing: Pick<Showing, 'passOn'>;
  /** How the connection to the replica at an address is protected now; the same object as long as that is so. */
  readonly channelTo: (address: string) => ReplicaChannel;
}

/** Passes calls on to another replica, with everything that their callers sent: it judges them by itself. */
export interface ForwardCall extends Disposable {
  /** Calls of this service can be passed on. */
  know(service: ServiceDefinition): void;
  /**
   * Null: that replica cannot be reached, so nothing was sent. `signal` ends the wait for its answer.
   * @throws ServiceError what the other replica answered, or that its answer never came
   */
  to<Request, Response>(
    address: string,
    call: RoutedCall<Request>,
    signal: AbortSignal,
  ): Promise<Routed<Response> | null>;
}

/** What belongs to the connection that a call came over, not to the call. */
const ofTheConnection = ['user-agent', 'content-type', 'te', 'grpc-timeout', 'grpc-accept-encoding', 'accept-encoding'];
const NoService = makeClientConstructor({}, 'postrider.v1');

/** One connection to one replica at a time: there is one leader. */
export function createForwardCall({ processId, clock, showing, channelTo }: ForwardCallOptions): ForwardCall {
  const methods = new Map<string, MethodDefinition<unknown, unknown>>();
  let open: { readonly channel: ReplicaChannel; readonly client: Client } | null = null;

  function clientOf(address: string): Client {
    const channel = channelTo(address);
    if (open?.channel === channel) return open.client;
    open?.client.close();
    const client = new NoService(address, channel.credentials, {
      ...channel.options,
      'grpc.max_receive_message_length': serverLimits.answerBytesMax,
      'grpc.keepalive_time_ms': serverLimits.keepaliveEveryMs,
      'grpc.keepalive_timeout_ms': serverLimits.keepaliveTimeoutMs,
      // A proxy for what leaves the cluster is not asked the way to a replica, and is not shown its callers' keys.
      'grpc.enable_http_proxy': 0,
    });
    open = { channel, client };
    return client;
  }

  return {
    know(service) {
      for (const method of Object.values(service)) methods.set(method.path, method);
    },
    async to<Request, Response>(address: string, call: RoutedCall<Request>, signal: AbortSignal) {
      const method = methods.get(call.getPath());
      const client = clientOf(address);
      if (method === undefined || !(await isReady(client))) return null;
      const metadata = call.metadata.clone();
      for (const name of ofTheConnection) metadata.remove(name);
      metadata.set(FORWARDED_METADATA, processId);
      showing.passOn(call, metadata);
      metadata.set(FORWARDED_FOR_METADATA, call.getPeer());
      const leftMs = Math.min(leftOf(call, clock), serverLimits.mutationDeadlineMs + serverLimits.leaderSlackMs);
      const routed = await send(client, method, { request: call.request, metadata, leftMs, signal });
      return routed as Routed<Response>;
    },
    [Symbol.dispose]: () => open?.client.close(),
  };
}

function isReady(client: Client): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  client.waitForReady(Date.now() + serverLimits.leaderConnectMs, (error) => resolve(error === undefined));
  return promise;
}

interface Sent {
  readonly request: unknown;
  readonly metadata: Metadata;
  readonly leftMs: number;
  readonly signal: AbortSignal;
}

function send(
  client: Client,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<unknown, unknown>,
  { request, metadata, leftMs, signal }: Sent,
): Promise<Routed<unknown>> {
  const { promise, resolve, reject } = Promise.withResolvers<Routed<unknown>>();
  let answer: unknown;
  const cancel = (): void => call.cancel();
  const done = (error: ServiceError | null, response?: unknown): void => {
    signal.removeEventListener('abort', cancel);
    if (error !== null) reject(error);
    answer = response;
  };
  const options = { deadline: Date.now() + leftMs };
  const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, options, done);
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel);
  // The revision comes with the end, behind the answer.
  call.on('status', ({ code, metadata: trailer }: StatusObject) => {
    if (code === status.OK) resolve({ response: answer, revision: revisionOf(trailer) });
  });
  return promise;
}

function revisionOf(trailer: Metadata): string {
  return String(trailer.get(REVISION_TRAILER)[0] ?? '');
}
