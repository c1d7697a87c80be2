import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { Client } from 'undici';
import { departure, type Departure } from './dial.ts';
import type { Exchange } from './exchange.ts';
import type { Pool } from './pools/pool.ts';
import { tenantOf } from './request.ts';
import type { TlsIdentity } from './tls-identity.ts';
import { guardedConnect, type ConnectDependencies, type SessionStore } from './guarded-connect.ts';

/**
 * One connection to an endpoint, made when first needed and again after it broke. It carries one exchange at a time, so
 * whatever an endpoint sends too much can never be taken for the answer to another request.
 */
export interface Channel {
  readonly client: Client;
  exchange: Exchange | null;
  socket: Socket | null;
  /** How the present connection left, or the one that is being made. */
  from: Departure | null;
  /** How long the present connection took to make, until an exchange has claimed it. */
  connectMs: number | undefined;
  sourceAddress: string;
  remoteAddress: string;
}

/** The connections to one endpoint; no other endpoint ever uses them. */
export interface EndpointSockets {
  readonly key: string;
  readonly origin: string;
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
  return { key, origin, pool, tls, sessions: {}, channels: new Set(), idle: [], queue: [], maxSockets: 1 };
}

/**
 * A channel of `endpoint` whose connections pass the guard.
 * @param closed told when its connection is gone, whoever closed it
 */
export function openChannel(
  endpoint: EndpointSockets,
  deps: ConnectDependencies,
  closed: (channel: Channel) => void,
): Channel {
  const { limits, clock } = deps;
  const client = new Client(endpoint.origin, {
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: limits.responseHeaderBytes,
    keepAliveTimeout: limits.idleSocketMs,
    keepAliveMaxTimeout: limits.idleSocketMaxMs,
    // All deadlines of a request are kept on one wheel (`deadlines.ts`), which no trickle of bytes can put off.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect(target, callback) {
      const started = clock.monotonic();
      const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80);
      const from = departure(endpoint.pool, endpoint.key);
      channel.from = from;
      guardedConnect(
        {
          ...{ protocol: target.protocol, hostname: target.hostname, port },
          ...{ tls: endpoint.tls, tenant: tenantOf(endpoint.key), from },
        },
        endpoint.sessions,
        deps,
        (error, socket) => {
          if (error !== null || socket === undefined) return callback(error ?? new Error('no socket'), null);
          channel.socket = socket;
          // Not from inside one of the client's own calls.
          socket.once('close', () => queueMicrotask(() => channel.socket === socket && closed(channel)));
          channel.connectMs = clock.monotonic() - started;
          channel.sourceAddress = socket.localAddress ?? '';
          channel.remoteAddress = from.reached;
          callback(null, socket);
        },
      );
    },
  });
  // The client emits an error only when a handler throws while it is told of one.
  (client as EventEmitter).on('error', () => {});
  const channel: Channel = {
    client,
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
