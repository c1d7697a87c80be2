import type { Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import type { Clock } from '@postrider/core';
import { judgeAddress, parseAddress } from './address.ts';
import { departure, dialInTurn, type Departure, type Dialling } from './dial.ts';
import { dnsFailure, EgressError, tlsFailure } from './failure.ts';
import type { EgressLimits } from './limits.ts';
import type { AddressPolicy } from './policy.ts';
import { DEFAULT_POOL } from './pools/name.ts';
import { createPool } from './pools/pool.ts';
import type { Resolve } from './resolve.ts';
import type { TlsIdentity } from './tls-identity.ts';

export interface ConnectTarget {
  readonly protocol: string;
  /** As in a URL, an IPv6 address without its brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly tls?: TlsIdentity | undefined;
  /** Whose endpoint it is. */
  readonly tenant?: string;
  /** The egress pool that the connection leaves from. Default: wherever the machine's routes lead. */
  readonly from?: Departure;
}

export interface ConnectDependencies {
  /** Replaced when the operator changes it; read anew for each connection. */
  policy: AddressPolicy;
  readonly clock: Clock;
  readonly limits: EgressLimits;
  readonly resolve: Resolve;
  /** Certificates trusted instead of the built-in ones; PEM. */
  readonly ca?: readonly (string | Buffer)[];
  /** For endpoints that have none of their own. */
  readonly identity: TlsIdentity;
  /** Opens a TCP connection to an address that passed, from a local one if it is given. Default: Node's own. */
  readonly dial?: (address: string, port: number, localAddress?: string) => Socket;
}

/** A TLS session kept for the next connection to the same endpoint. Never shared between endpoints. */
export interface SessionStore {
  session?: Buffer;
}

export type Connected = (error: EgressError | null, socket?: Socket | TLSSocket) => void;

const anyRoute = createPool({ name: DEFAULT_POOL, kind: 'nat', sourceAddresses: [] });

/** More would only add waiting: an endpoint that is down is down at all its addresses. */
const dialledAddressesMax = 3;

/**
 * Opens a connection to a target whose addresses all pass the policy, and calls back once, within `connectMs`.
 *
 * The check stands here and not in a `lookup` hook, because Node never asks that hook about IP literals. The name is
 * resolved once, by the resolver given, and the very addresses that were judged are dialled, so no second answer can
 * differ from the first. One forbidden address among the answers refuses them all: falling through to the next is how
 * a mixed answer reaches loopback. Before a byte is sent the peer's address is compared with the one dialled.
 */
export function guardedConnect(
  target: ConnectTarget,
  sessions: SessionStore,
  deps: ConnectDependencies,
  done: Connected,
): void {
  const { clock, limits } = deps;
  const deadline = clock.monotonic() + limits.connectMs;
  let open: Socket | undefined;
  let finished = false;
  const finish: Connected = (error, socket) => {
    if (finished) return void socket?.destroy();
    finished = true;
    stopTimer();
    if (error === null) return done(null, socket);
    open?.destroy();
    done(error);
  };
  let dialling: Dialling | undefined;
  const stopTimer = clock.after(limits.connectMs, () => {
    const message = `no connection within ${limits.connectMs} ms`;
    finish(dialling?.late() ?? new EgressError('connect_timeout', 'endpoint', message));
  });
  const track = (socket: Socket): void => {
    open = socket;
    // Errors after the hand-over belong to whoever has the socket; without a listener they would end the process.
    socket.on('error', () => {});
    if (finished) socket.destroy();
  };
  vet(target.hostname, deps, target.tenant).then(
    (addresses) => {
      if (finished) return;
      const judgedBy = deps.policy;
      const connected: Connected = (error, socket) => finish(error ?? policyChanged(judgedBy, deps.policy), socket);
      const { port, from = departure(anyRoute, '') } = target;
      const some = addresses.slice(0, dialledAddressesMax);
      dialling = dialInTurn(some, deadline, { port, from, deps, track }, (error, socket) => {
        dialling = undefined;
        if (socket === undefined) return finish(error);
        // Head and body are written apart, and over TLS sent apart: the second must not wait for an answer to the first.
        socket.setNoDelay(true);
        if (target.protocol !== 'https:') return connected(null, socket);
        startTls(socket, target, sessions, deps, track, connected);
      });
    },
    (error: unknown) => finish(error instanceof EgressError ? error : dnsFailure(error)),
  );
}

/** What was judged by a policy of before must not be kept: nobody would look at it again. */
function policyChanged(judgedBy: AddressPolicy, now: AddressPolicy): EgressError | null {
  if (judgedBy === now) return null;
  return new EgressError('blocked_address', 'ours', 'the policy changed while the connection was made');
}

type VetDependencies = Pick<ConnectDependencies, 'policy' | 'resolve'>;

/** The addresses to dial, IPv4 first; rejects with an `EgressError` if there are none or any is forbidden. */
export async function vet(hostname: string, deps: VetDependencies, tenant?: string): Promise<readonly string[]> {
  const addresses = await addressesOf(hostname, deps, tenant);
  // Read now: the policy may have changed while the name was resolved.
  const { policy } = deps;
  if (addresses.length === 0) throw new EgressError('dns_not_found', 'endpoint', 'the host name has no addresses');
  if (addresses.length > policy.maxAddresses) {
    throw new EgressError('dns_failure', 'endpoint', `the host name has more than ${policy.maxAddresses} addresses`);
  }
  for (const address of addresses) {
    const bytes = parseAddress(address);
    if (bytes === undefined || judgeAddress(bytes, policy).verdict === 'deny') {
      // Which address and which range stays here: the tenant who chose the name would learn about the inside.
      throw new EgressError('blocked_address', 'endpoint', 'the host has an address that is not allowed');
    }
  }
  return addresses.toSorted((a, b) => Number(a.includes(':')) - Number(b.includes(':')));
}

async function addressesOf(
  hostname: string,
  { policy, resolve }: VetDependencies,
  tenant: string | undefined,
): Promise<readonly string[]> {
  if (parseAddress(hostname) !== undefined) {
    if (policy.allowIpLiteral) return [hostname];
    throw new EgressError('blocked_address', 'endpoint', 'the URL names an address instead of a host');
  }
  if (policy.allowLoopback && hostname === 'localhost') return ['127.0.0.1', '::1'];
  return resolve(hostname, tenant);
}

function startTls(
  socket: Socket,
  { hostname, tls }: ConnectTarget,
  sessions: SessionStore,
  deps: ConnectDependencies,
  track: (socket: Socket) => void,
  done: Connected,
): void {
  const isLiteral = parseAddress(hostname) !== undefined;
  let secureContext: SecureContext;
  try {
    secureContext = (tls ?? deps.identity).context(deps.ca);
  } catch (error) {
    return done(error as EgressError);
  }
  const secure = connectTls({
    socket,
    host: hostname,
    // RFC 6066: an address is no server name; the certificate is then checked against the address.
    ...(isLiteral ? {} : { servername: hostname }),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true,
    secureContext,
    ...(sessions.session === undefined ? {} : { session: sessions.session }),
  });
  track(secure);
  secure.on('session', (session) => {
    if (session.length <= deps.limits.tlsSessionBytes) sessions.session = session;
  });
  const onError = (error: Error): void => {
    // A session the endpoint no longer likes must not spoil every further handshake.
    delete sessions.session;
    done(tlsFailure(error));
  };
  secure.once('error', onError);
  secure.once('secureConnect', () => {
    secure.off('error', onError);
    done(null, secure);
  });
  secure.once('close', () => {
    done(new EgressError('connection_closed', 'endpoint', 'the connection was closed during the TLS handshake'));
  });
}
