import { connect as connectTcp, type Socket } from 'node:net';
import { parseAddress } from './address.ts';
import type { ProxyDefinition } from './pools/definition.ts';
import { EgressError, tcpFailure } from './failure.ts';
import type { ConnectDependencies } from './guarded-connect.ts';
import {
  noteAnswer,
  noteSilence,
  noteWay,
  NOT_ACCEPTED,
  NOT_OURS,
  restWay,
  UNREACHABLE,
  takeWay,
  type Pool,
  type Way,
} from './pools/pool.ts';
import { openTunnel } from './pools/tunnel.ts';

/** From where, and for whom: connections of one key may always take the same way. */
export interface Departure {
  readonly pool: Pool;
  readonly key: string;
  /** The way that was taken last. */
  way: Way | null;
  /** The address that was dialled last: through a proxy it is not the socket's peer. */
  reached: string;
}

/** Nothing has left yet. */
export function departure(pool: Pool, key: string): Departure {
  return { pool, key, way: null, reached: '' };
}

/** A connection to an address that passed the guard, or why there is none. */
export type Dialled = (error: EgressError | null, socket?: Socket) => void;

/** A connection that is being made. */
export interface Dialling {
  /** What it means that it takes too long, where that is not simply the endpoint's doing. */
  late(): EgressError | null;
}

/** What a connection is to lead to, and from where. */
export interface Call {
  readonly port: number;
  readonly from: Departure;
  readonly deps: ConnectDependencies;
  /** Called with every socket that is opened, so that it can be closed when nobody waits any more. */
  readonly track: (socket: Socket) => void;
}

/**
 * Makes a TCP connection to one of the addresses, trying one after the other; each gets an equal share of the time until
 * `deadline` (ms, monotonic).
 */
export function dialInTurn(addresses: readonly string[], deadline: number, call: Call, done: Dialled): Dialling {
  const [address = '', ...others] = addresses;
  const { clock } = call.deps;
  const share = Math.max(0, deadline - clock.monotonic()) / addresses.length;
  let open: Socket | undefined;
  let settled = false;
  let next: Dialling | undefined;
  const settle = (error: EgressError | null, socket?: Socket): void => {
    if (settled) return void socket?.destroy();
    settled = true;
    stopTimer();
    if (error === null) return done(null, socket);
    open?.destroy();
    if (!mayBeTheAddress(error) || others.length === 0) return done(error);
    next = dialInTurn(others, deadline, call, done);
  };
  const stopTimer = others.length === 0 ? () => {} : clock.after(share, () => settle(dialling.late() ?? notInTime()));
  const track = (socket: Socket): void => {
    open = socket;
    call.track(socket);
  };
  const dialling = dialOne(address, { ...call, track }, settle);
  return { late: () => (next ?? dialling).late() };
}

/** Whether another address of the host may do better. */
function mayBeTheAddress({ failure: { code, owner } }: EgressError): boolean {
  return code === 'proxy_timeout' || (owner === 'endpoint' && code !== 'blocked_address');
}

function dialOne(address: string, call: Call, done: Dialled): Dialling {
  const { from } = call;
  const way = takeWay(from.pool, address, from.key);
  if (way instanceof EgressError) {
    queueMicrotask(() => done(way));
    return { late: () => way };
  }
  from.way = way;
  from.reached = address;
  return way.proxy === undefined
    ? dialDirectly(way, address, call, done)
    : dialThrough(way, way.proxy, address, call, done);
}

function dialDirectly(way: Way, address: string, call: Call, done: Dialled): Dialling {
  const { port, from, deps, track } = call;
  const { localAddress } = way;
  const socket = (deps.dial ?? dialTcp)(address, port, localAddress);
  track(socket);
  let again: Dialling | undefined;
  let told = false;
  socket.once('connect', () => {
    told = true;
    const wrong = wrongEnd(socket, address, localAddress);
    done(wrong, wrong === null ? socket : undefined);
  });
  socket.once('error', (error: NodeJS.ErrnoException) => {
    told = true;
    // Refused before a packet left: the address is not this machine's. Another of the pool may be, and nothing else will do.
    if (localAddress === undefined || error.syscall !== 'bind' || error.code !== 'EADDRNOTAVAIL')
      return done(tcpFailure(error));
    noteWay(from.pool, way, { broken: NOT_OURS });
    again = dialOne(address, call, done);
  });
  socket.once('close', () => {
    if (!told) done(new EgressError('connection_closed', 'endpoint', 'the connection was closed at once'));
  });
  return { late: () => again?.late() ?? null };
}

function notInTime(): EgressError {
  return new EgressError('connect_timeout', 'endpoint', 'no connection in time');
}

const dialTcp: NonNullable<ConnectDependencies['dial']> = (host, port, localAddress) =>
  connectTcp({ host, port, autoSelectFamily: false, ...(localAddress === undefined ? {} : { localAddress }) });

/**
 * Guards against anything between what was chosen and the socket: a hook, a proxy setting, a bug. Both its ends must be the
 * ones that were asked for.
 */
function wrongEnd(socket: Socket, address: string, localAddress: string | undefined): EgressError | null {
  // Already gone again; the close that follows says so.
  if (socket.remoteAddress === undefined)
    return new EgressError('connection_closed', 'endpoint', 'the connection was closed at once');
  if (!isSame(socket.remoteAddress, address)) {
    const message = 'the connection led to another address than the one that was checked';
    return new EgressError('blocked_address', 'ours', message);
  }
  if (localAddress === undefined || isSame(socket.localAddress ?? '', localAddress)) return null;
  return new EgressError('pool_unavailable', 'ours', 'the connection left from another address than the egress pool’s');
}

function isSame(one: string, other: string): boolean {
  const bytes = parseAddress(one);
  const otherBytes = parseAddress(other);
  return bytes !== undefined && otherBytes !== undefined && Buffer.compare(bytes, otherBytes) === 0;
}

function dialThrough(way: Way, proxy: ProxyDefinition, address: string, call: Call, done: Dialled): Dialling {
  const { port, from, track } = call;
  const { clock } = call.deps;
  const begun = clock.monotonic();
  const closing = (error: EgressError): void => {
    if (error.failure.code === 'proxy_unavailable') noteWay(from.pool, way, { broken: UNREACHABLE });
    if (error.failure.code === 'proxy_auth') restWay(from.pool, way, NOT_ACCEPTED, clock.monotonic());
  };
  const onAnswer = (status: number): void => {
    if (status !== 407) noteAnswer(way, clock.monotonic());
  };
  const tunnel = openTunnel({ proxy, address, port, track, onAnswer }, (error, socket) => {
    if (error !== null) closing(error);
    done(error, socket);
  });
  return {
    late() {
      const error = tunnel.late();
      closing(error);
      if (error.failure.code !== 'proxy_timeout') return error;
      // A proxy through which others were answered meanwhile waits for this endpoint.
      if (way.answeredAt > begun) return notInTime();
      noteSilence(from.pool, way, from.key, clock.monotonic());
      return error;
    },
  };
}
