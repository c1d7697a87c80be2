import { judgeAddress, parseAddress } from './address.ts';
import { createEndpointSockets, createChannel, type Channel, type EndpointSockets } from './endpoint-sockets.ts';
import { EgressError } from './failure.ts';
import type { Exchange } from './exchange.ts';
import type { ConnectDependencies } from './guarded-connect.ts';
import type { AddressPolicy } from './policy.ts';
import type { EgressRequest } from './request.ts';
import type { FailureCause } from './result.ts';
import { DEFAULT_POOL } from './pools/name.ts';
import { isOpen, poolUnavailable } from './pools/pool.ts';
import type { Pools } from './pools/pools.ts';
import { judgeUrl } from './url-rule.ts';

/** One for all, of which nobody is told: nothing is on its way over a channel that goes. */
const discarded = new EgressError('aborted', 'shutdown', 'the connection is not needed any more');
const blockedUrl: FailureCause = { code: 'blocked_url', owner: 'endpoint', message: 'the URL is not allowed' };

/** The connections of all endpoints: who may have one, who waits for one, and which go when there are too many. */
export interface Sockets {
  readonly deps: ConnectDependencies;
  readonly pools: Pools;
  /** By pool key, the longest unused first. */
  readonly endpoints: Map<string, EndpointSockets>;
  /** Out of use, but with exchanges that are not over. */
  readonly retired: Set<EndpointSockets>;
  /** Clients that are still closing. */
  readonly closings: Set<Promise<void>>;
  /** Channels of all endpoints. */
  count: number;
}

/** No connections yet. */
export function createSockets(deps: ConnectDependencies, pools: Pools): Sockets {
  return { deps, pools, endpoints: new Map(), retired: new Set(), closings: new Set(), count: 0 };
}

/** The connections of the request's endpoint, or why it may have none. */
export function endpointFor(sockets: Sockets, request: EgressRequest): EndpointSockets | FailureCause {
  const { endpoints, deps } = sockets;
  const poolName = request.pool ?? DEFAULT_POOL;
  let endpoint = endpoints.get(request.poolKey);
  let replaced: EndpointSockets | undefined;
  if (endpoint !== undefined && !isFor(endpoint, request, poolName)) {
    // Its URL, its pool or a certificate has changed. What is on its way over the old connections ends there.
    retire(sockets, endpoint);
    replaced = endpoint;
    endpoint = undefined;
  }
  if (endpoint === undefined) {
    if (judgeUrl(`${request.origin}/`, deps.policy).verdict === 'deny') return blockedUrl;
    const pool = sockets.pools.get(poolName);
    if (pool === undefined) return poolUnavailable({ name: poolName }).failure;
    endpoint = createEndpointSockets(request.poolKey, request.origin, pool, request.tls);
    // What waits for a connection takes a new one, unless it was meant for another URL or to leave from elsewhere.
    if (replaced?.origin === request.origin && replaced.pool === pool) endpoint.queue.push(...replaced.queue.splice(0));
    endpoints.set(request.poolKey, endpoint);
    evict(sockets, endpoint);
  } else if (isHalfFull(sockets) && isUnused(endpoint)) {
    // Only near the limits does it matter who was used last.
    endpoints.delete(request.poolKey);
    endpoints.set(request.poolKey, endpoint);
  }
  endpoint.maxSockets = Math.max(1, request.maxSockets);
  return endpoint;
}

function isFor({ origin, tls, pool }: EndpointSockets, request: EgressRequest, poolName: string): boolean {
  return origin === request.origin && tls?.id === request.tls?.id && pool.name === poolName;
}

/** Gives queued exchanges to idle channels, and to new ones up to the endpoint's limit. */
export function startNext(sockets: Sockets, endpoint: EndpointSockets): void {
  while (endpoint.queue.length > 0) {
    let channel = endpoint.idle.pop();
    if (channel === undefined) {
      if (endpoint.channels.size >= endpoint.maxSockets) return;
      if (sockets.count >= sockets.deps.limits.socketsMax) evict(sockets, endpoint);
      channel = createChannel(endpoint, sockets.deps, (gone) => forget(sockets, endpoint, gone));
      sockets.count++;
    }
    const exchange = endpoint.queue.shift() as Exchange;
    // One that ended while it waited leaves its channel to the next.
    if (exchange.over) endpoint.idle.push(channel);
    else exchange.start(endpoint, channel);
  }
}

/** Takes back the channel of an exchange that is over: for the next one, or to be closed if it is not `reusable`. */
export function release(sockets: Sockets, exchange: Exchange, reusable: boolean): void {
  const { channel, endpoint } = exchange;
  if (channel === null) return;
  channel.exchange = null;
  if (reusable && sockets.endpoints.get(endpoint.key) === endpoint && leavesRightly(channel)) {
    endpoint.idle.push(channel);
    if (endpoint.queue.length > 0) startNext(sockets, endpoint);
    return;
  }
  // Not from inside one of the client's own calls.
  queueMicrotask(() => {
    discard(sockets, endpoint, channel);
    startNext(sockets, endpoint);
    if (endpoint.channels.size === 0) sockets.retired.delete(endpoint);
  });
}

/** Closes the connections that are not in use and left by ways that may not be used any more; the others go when they end. */
export function dropLost(sockets: Sockets): void {
  for (const endpoint of sockets.endpoints.values()) {
    for (const channel of endpoint.idle.filter((one) => !leavesRightly(one))) {
      endpoint.idle.splice(endpoint.idle.indexOf(channel), 1);
      discard(sockets, endpoint, channel);
    }
  }
}

function leavesRightly({ from }: Channel): boolean {
  return from === null || from.way === null || isOpen(from.way);
}

/**
 * Judges every endpoint by the policy of `sockets.deps`, which has changed: where its URL or an address it is connected to is
 * not allowed any more, connections that are not in use close now, the others when their exchange is over, and what waits
 * for one is judged anew or, by its URL, ends.
 */
export function applyPolicy(sockets: Sockets): void {
  const { policy } = sockets.deps;
  for (const endpoint of [...sockets.endpoints.values(), ...sockets.retired]) {
    const isUrlAllowed = judgeUrl(`${endpoint.origin}/`, policy).verdict === 'allow';
    if (isUrlAllowed && [...endpoint.channels].every((channel) => mayStay(channel, policy))) continue;
    if (!isUrlAllowed) for (const exchange of endpoint.queue.splice(0)) exchange.giveUp(blockedUrl);
    retire(sockets, endpoint);
  }
}

function mayStay({ remoteAddress }: Channel, policy: AddressPolicy): boolean {
  const address = parseAddress(remoteAddress);
  return address === undefined || judgeAddress(address, policy).verdict === 'allow';
}

/** Ends every exchange with `cause` and closes every connection; resolves when they are closed. */
export async function giveUpAll(sockets: Sockets, cause: FailureCause): Promise<void> {
  for (const endpoint of [...sockets.endpoints.values(), ...sockets.retired]) {
    for (const exchange of endpoint.queue.splice(0)) exchange.giveUp(cause);
    for (const channel of [...endpoint.channels]) channel.exchange?.giveUp(cause);
    retire(sockets, endpoint);
  }
  // What was given up just now is discarded a moment later.
  await Promise.resolve();
  await Promise.all(sockets.closings);
}

/** Lets go of a channel without a connection, unless it is in use and will connect again. */
function forget(sockets: Sockets, endpoint: EndpointSockets, channel: Channel): void {
  const at = endpoint.idle.indexOf(channel);
  if (at < 0) return;
  endpoint.idle.splice(at, 1);
  discard(sockets, endpoint, channel);
}

function discard(sockets: Sockets, endpoint: EndpointSockets, channel: Channel): void {
  endpoint.channels.delete(channel);
  sockets.count--;
  if (channel.client === null) return;
  const closed = channel.client
    .destroy(discarded)
    .catch(() => {})
    .then(() => void sockets.closings.delete(closed));
  sockets.closings.add(closed);
  // One that the client never asked for, as it did not take the request, it does not know of.
  channel.socket?.destroy();
}

/** Takes the endpoint out of use: unused connections go now, the others when their exchange is over. */
function retire(sockets: Sockets, endpoint: EndpointSockets): void {
  if (sockets.endpoints.get(endpoint.key) === endpoint) sockets.endpoints.delete(endpoint.key);
  for (const channel of endpoint.idle.splice(0)) discard(sockets, endpoint, channel);
  if (endpoint.channels.size > 0) sockets.retired.add(endpoint);
}

/** Makes room by closing connections that are not in use, those of the longest unused endpoint first. */
function evict(sockets: Sockets, keep: EndpointSockets): void {
  const { socketsMax, endpointsMax } = sockets.deps.limits;
  for (const endpoint of sockets.endpoints.values()) {
    const tooManySockets = sockets.count >= socketsMax;
    const tooManyEndpoints = sockets.endpoints.size > endpointsMax;
    if (!tooManySockets && !tooManyEndpoints) return;
    if (endpoint === keep) continue;
    if (tooManySockets) for (const channel of endpoint.idle.splice(0)) discard(sockets, endpoint, channel);
    if (tooManyEndpoints && isUnused(endpoint)) retire(sockets, endpoint);
  }
}

function isUnused(endpoint: EndpointSockets): boolean {
  return endpoint.channels.size === endpoint.idle.length && endpoint.queue.length === 0;
}

function isHalfFull({ endpoints, count, deps: { limits } }: Sockets): boolean {
  return endpoints.size * 2 > limits.endpointsMax || count * 2 > limits.socketsMax;
}
