/** The one door to tenants' endpoints. Motivation and theory of operation: README.md of this package. */
import type { Clock } from '@postrider/core';
import { createDeadlines } from './deadlines.ts';
import { Exchange, type ExchangeHost } from './exchange.ts';
import { vet, type ConnectDependencies } from './guarded-connect.ts';
import { defaultLimits, type EgressLimits } from './limits.ts';
import type { NameServersState } from './name-outage.ts';
import { createNames, type Names } from './names.ts';
import type { AddressPolicy } from './policy.ts';
import type { AnnouncedRanges } from './pools/announced.ts';
import type { PoolDefinitions } from './pools/definition.ts';
import { createPools, type Pools } from './pools/pools.ts';
import { forbiddenHeaderIn, type EgressRequest } from './request.ts';
import { askNameServers, type Resolve } from './resolve.ts';
import type { EgressFailure, EgressResult, FailureCause } from './result.ts';
import { applyPolicy, createSockets, dropLost, endpointFor, giveUpAll, release, startNext } from './sockets.ts';
import { tlsIdentity } from './tls-identity.ts';
import { createTokenSend, type AwaitTokenTurn } from './token-send.ts';

export interface EgressOptions {
  readonly policy: AddressPolicy;
  readonly clock: Clock;
  /** Name servers (`address` or `address:port`), asked directly. Default: those of the machine. */
  readonly nameServers?: readonly string[];
  /** Instead of name servers and what is remembered of their answers. */
  readonly resolve?: Resolve;
  readonly limits?: Partial<EgressLimits>;
  /** The egress pools that requests may name. Default: only `default`, which is wherever the machine's routes lead. */
  readonly pools?: PoolDefinitions;
  /** The source addresses that receivers have been told of, by pool: nothing leaves from others. Default: none was announced. */
  readonly announced?: (pool: string) => AnnouncedRanges;
  /** Certificates trusted instead of the built-in ones; PEM. */
  readonly ca?: readonly (string | Buffer)[];
  /** What a request for an access token waits for before it is sent. Default: nothing. */
  readonly awaitTokenTurn?: AwaitTokenTurn;
  /** For tests: opens the TCP connection to an address that passed the guard. */
  readonly dial?: ConnectDependencies['dial'];
}

export interface Egress {
  /** Sends one request. `done` is called exactly once with its result, never before `send` returns. */
  send(request: EgressRequest, done: (result: EgressResult) => void): void;
  /**
   * Judges by another policy from now on. Connections that it does not allow are closed: unused ones now, the others when
   * their request has its result.
   */
  usePolicy(policy: AddressPolicy): void;
  /** What was announced has changed. */
  announcedChanged(): void;
  /**
   * The address that a new connection to a host would be made to. Rejects with an `EgressError` if it has none, or any that
   * is not allowed.
   */
  addressOf(hostname: string): Promise<string>;
  /** Requests that have no result yet. */
  inFlight(): number;
  /** Connections of all endpoints, in use or kept for the next request. */
  connections(): number;
  /** Where requests leave from, and what is wrong with it. */
  readonly pools: Pick<Pools, 'isOpen' | 'states' | 'onChange'>;
  /** Whether names can be resolved. */
  readonly names: NameServersState;
  /**
   * Refuses further requests, lets those in flight end for up to `graceMs`, gives up the rest (`aborted`, a shutdown's
   * doing) and closes all sockets.
   */
  close(options: { readonly graceMs: number }): Promise<void>;
}

const stopped: FailureCause = { code: 'aborted', owner: 'shutdown', message: 'no request may be started any more' };
const givenUp: FailureCause = { code: 'aborted', owner: 'shutdown', message: 'given up at the end of the shutdown' };

type Done = (result: EgressResult) => void;

/** Opens the door. */
export function createEgress(options: EgressOptions): Egress {
  const limits = { ...defaultLimits, ...options.limits };
  const door = createDoor(options, limits);
  const sendWithToken = createTokenSend(door.send, { clock: options.clock, limits, awaitTurn: options.awaitTokenTurn });
  return {
    ...door,
    send(request, done) {
      if (request.oauth2 === undefined) door.send(request, done);
      else sendWithToken(request, request.oauth2, done);
    },
  };
}

/** The door for requests that need no token, or have it. */
function createDoor(options: EgressOptions, limits: EgressLimits): Egress {
  const { clock } = options;
  const names = createNames({ ask: askNameServers(limits.resolveMs, options.nameServers), clock, limits });
  const deps = dependencies(options, limits, names.resolve);
  const pools = createPools({ definitions: options.pools ?? new Map(), connect: deps, announced: options.announced });
  const sockets = createSockets(deps, pools);
  pools.onChange(() => dropLost(sockets));
  let inFlight = 0;
  let closing = false;
  let drained: (() => void) | undefined;
  const host: ExchangeHost = {
    clock,
    limits,
    deadlines: createDeadlines(clock),
    ended(exchange, reusable) {
      inFlight--;
      if (inFlight === 0) drained?.();
      release(sockets, exchange, reusable);
    },
    failed(exchange, failure, tell) {
      const { request } = exchange;
      const isDoubtful = failure.owner === 'endpoint' && doubtful.has(failure.code);
      const blame = isDoubtful ? blameOf(exchange, { pools, names }) : undefined;
      if (blame === undefined) tell(explained(failure, request, clock));
      else void blame.then((cause) => tell(explained({ ...failure, ...cause }, request, clock)));
    },
  };
  return {
    send(request, done) {
      if (closing) return refuse(stopped, done);
      const name = forbiddenHeaderIn(request.headers);
      if (name !== undefined) {
        const message = `no request may have the header ${JSON.stringify(name)}`;
        return refuse({ code: 'internal', owner: 'ours', message }, done);
      }
      const endpoint = endpointFor(sockets, request);
      if ('code' in endpoint) return refuse(endpoint, done);
      inFlight++;
      endpoint.queue.push(new Exchange(request, endpoint, host, done));
      startNext(sockets, endpoint);
    },
    usePolicy(next) {
      sockets.deps.policy = next;
      applyPolicy(sockets);
    },
    announcedChanged: () => pools.judge(),
    addressOf: (hostname) => vet(hostname, sockets.deps).then(([first = hostname]) => first),
    inFlight: () => inFlight,
    connections: () => sockets.count,
    pools,
    names,
    async close({ graceMs }) {
      closing = true;
      if (inFlight > 0) {
        const waited = Promise.withResolvers<void>();
        drained = waited.resolve;
        const cancel = clock.after(graceMs, waited.resolve);
        await waited.promise;
        cancel();
      }
      await giveUpAll(sockets, givenUp);
      pools.close();
      names.close();
    },
  };
}

function refuse(cause: FailureCause, done: Done): void {
  queueMicrotask(() => done({ kind: 'failure', ...cause, timings: { totalMs: 0 } }));
}

function dependencies(options: EgressOptions, limits: EgressLimits, resolve: Resolve): ConnectDependencies {
  const { policy, clock, ca, dial } = options;
  return {
    policy,
    clock,
    limits,
    identity: tlsIdentity({}),
    resolve: options.resolve ?? resolve,
    ...(ca === undefined ? {} : { ca }),
    ...(dial === undefined ? {} : { dial }),
  };
}

const doubtful = new Set<FailureCause['code']>([
  'connection_refused',
  'connect_timeout',
  'connection_reset',
  'connection_closed',
  'headers_timeout',
  'total_timeout',
]);

/** What a refusal of our certificate looks like. TLS 1.3 tells it only after the handshake, so a connection may just end. */
const looksRefused = new Set<FailureCause['code']>(['tls_protocol', 'connection_reset', 'connection_closed']);

/** The failure, told as what it most probably is where the certificate that we showed has ended. */
function explained(failure: EgressFailure, { tls }: EgressRequest, clock: Clock): EgressFailure {
  if (failure.owner !== 'endpoint' || !looksRefused.has(failure.code) || tls?.hasEnded(clock.now()) !== true)
    return failure;
  const message = `the client certificate has ended, and the endpoint ended the connection: ${failure.message}`;
  return { ...failure, code: 'client_certificate_expired', message };
}

/** Who may be to blame for what looks like an endpoint's failure. */
interface Suspects {
  readonly pools: Pools;
  readonly names: Pick<Names, 'blame'>;
}

/** A failure is laid at the endpoint's door only when its name and its way out of the house are there. */
function blameOf(exchange: Exchange, { pools, names }: Suspects): Promise<FailureCause | undefined> | undefined {
  const { channel, endpoint } = exchange;
  const { pool, target } = endpoint;
  // Its time was over before the name had an answer.
  const named = !exchange.isHanded ? names.blame(target.hostname) : undefined;
  const way = channel?.from?.way ?? null;
  if (named !== undefined || way === null || pool.definition.kind === 'nat') return named;
  return pools.blame(pool, way);
}
