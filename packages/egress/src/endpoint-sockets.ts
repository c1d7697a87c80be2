import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { Client } from 'undici';
import { departure, type Departure } from './dial.ts';
import { EgressError } from './failure.ts';
import type { Exchange } from './exchange.ts';
import type { EgressLimits } from './limits.ts';
import type { Pool } from './pools/pool.ts';
import { tenantOf } from './request.ts';
import type { TlsIdentity } from './tls-identity.ts';
import {
  guardedConnect,
  type ConnectDependencies,
  type Connected,
  type ConnectTarget,
  type SessionStore,
} from './guarded-connect.ts';

/**
 * One connection to an endpoint, made when first needed and again after it broke. It carries one exchange at a time, so
 * whatever an endpoint sends too much can never be taken for the answer to another request.
 */
export interface Channel {
  /** Null until its first connection is there: most endpoints that are down never get as far. */
  client: Client | null;
  /** Makes the first connection, and the client for it. Calls back at most once, never before it returns: for an exchange that is over it need not. */
  readonly open: (done: (error: EgressError | null) => void) => void;
  exchange: Exchange | null;
  socket: Socket | null;
  /** How the present connection left, or the one that is being made. */
  from: Departure | null;
  /** How long the present connection took to make, until an exchange has claimed it. */
  connectMs: number | undefined;
  sourceAddress: string;
  remoteAddress: string;
}

/** Where its connections lead. */
type EndpointTarget = Omit<ConnectTarget, 'from'>;

/** The connections to one endpoint; no other endpoint ever uses them. */
export interface EndpointSockets {
  readonly key: string;
  readonly origin: string;
  readonly target: EndpointTarget;
  readonly tls: TlsIdentity | undefined;
  /** Where they leave from, and nowhere else. */
  readonly pool: Pool;
  readonly sessions: SessionStore;
  /** Every open one, in use or not. */
  readonly channels: Set<Channel>;
  /** Not in use; the one used last is taken first, so that the others can time out. */
  readonly idle: Channel[];
  /** Exchanges for which all connections are in use, oldest first. */
  readonly queue: Exchange[];
  maxSockets: number;
}

/** No connections to `origin` yet. */
export function createEndpointSockets(key: string, origin: string, pool: Pool, tls?: TlsIdentity): EndpointSockets {
  const target = targetOf(new URL(origin), tls, tenantOf(key));
  return { key, origin, target, pool, tls, sessions: {}, channels: new Set(), idle: [], queue: [], maxSockets: 1 };
}

function targetOf({ protocol, hostname, port }: URL, tls: TlsIdentity | undefined, tenant: string): EndpointTarget {
  return {
    ...{ protocol, port: Number(port) || (protocol === 'https:' ? 443 : 80), tls, tenant },
    hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
  };
}

/**
 * A channel of `endpoint` whose connections pass the guard.
 * @param closed told when its connection is gone, whoever closed it
 */
export function createChannel(
  endpoint: EndpointSockets,
  deps: ConnectDependencies,
  closed: (channel: Channel) => void,
): Channel {
  const { clock, limits } = deps;
  const connect = (done: Connected): void => {
    const started = clock.monotonic();
    const from = departure(endpoint.pool, endpoint.key);
    channel.from = from;
    guardedConnect({ ...endpoint.target, from }, endpoint.sessions, deps, (error, socket) => {
      if (socket === undefined) return done(error);
      channel.socket = socket;
      // Not from inside one of the client's own calls.
      socket.once('close', () => queueMicrotask(() => channel.socket === socket && closed(channel)));
      channel.connectMs = clock.monotonic() - started;
      channel.sourceAddress = socket.localAddress ?? '';
      channel.remoteAddress = from.reached;
      done(null, socket);
    });
  };
  const channel: Channel = {
    client: null,
    open: (done) =>
      connect((error, socket) => {
        if (socket === undefined) return done(error);
        // Who wanted it was given up meanwhile, and with that the channel.
        if (channel.exchange === null) return void socket.destroy();
        channel.client = createClient(endpoint.origin, limits, socket, connect);
        done(null);
      }),
    exchange: null,
    socket: null,
    from: null,
    connectMs: undefined,
    sourceAddress: '',
    remoteAddress: '',
  };
  endpoint.channels.add(channel);
  return channel;
}

/** A client over `first`, a connection that is there, and after it over those that `connect` makes. */
function createClient(origin: string, limits: EgressLimits, first: Socket, connect: (done: Connected) => void): Client {
  let unused: Socket | null = first;
  const client = new Client(origin, {
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: limits.responseHeaderBytes,
    keepAliveTimeout: limits.idleSocketMs,
    keepAliveMaxTimeout: limits.idleSocketMaxMs,
    // All deadlines of a request are kept on one wheel (`deadlines.ts`), which no trickle of bytes can put off.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect(_target, callback) {
      const socket = unused;
      unused = null;
      // What is connected before the client has asked it does not notice.
      if (socket !== null) return queueMicrotask(() => callback(null, socket));
      connect((error, made) => (made === undefined ? callback(error ?? noSocket, null) : callback(null, made)));
    },
  });
  // The client emits an error only when a handler throws while it is told of one.
  (client as EventEmitter).on('error', () => {});
  return client;
}

const noSocket = new EgressError('internal', 'ours', 'no connection was made');
