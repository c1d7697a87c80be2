import { hash } from 'node:crypto';
import { EgressError } from '../failure.ts';
import { tenantOf } from '../request.ts';
import type { PoolDefinition, ProxyDefinition } from './definition.ts';

/** One way out of the house: a local address, a proxy, or neither, which leaves the choice to the machine's routes. */
export interface Way {
  readonly localAddress: string | undefined;
  readonly proxy: ProxyDefinition | undefined;
  /** Why nothing can leave this way now; null: it can. */
  broken: string | null;
  /** Why it is not known to lead out of an address that is declared; null: it does, or nobody asked to know. */
  unproven: string | null;
  /** Why nothing may leave this way, as receivers were told; null: it may. */
  withheld: string | null;
  /** The address that its echo page saw last. */
  seen: string | undefined;
  /** Not looked at before this (ms, monotonic): what broke it cannot be seen by looking. */
  restsUntil: number;
  /** When anything last came back through a proxy (ms, monotonic). */
  answeredAt: number;
  /** Tenants whose requests for a tunnel it has left unanswered since then. */
  readonly unanswered: Set<string>;
  /** How long it rests the next time (ms). */
  restMs: number;
}

/** A named set of ways. Nothing that belongs to one pool ever leaves by a way of another. */
export interface Pool {
  readonly name: string;
  readonly definition: PoolDefinition;
  readonly ways: readonly Way[];
  /** Why nothing may leave from this source address now; undefined: from one that is not known. */
  withheld: (source: string | undefined) => string | null;
  /** Ways taken so far. */
  taken: number;
  /** What is known of a way has changed. */
  changed: (way: Way) => void;
}

/** Why a local address cannot be used. */
export const NOT_OURS = 'is not an address of this machine';
/** Why a proxy cannot. */
export const UNREACHABLE = 'cannot be reached';
/** Why a proxy that can be reached is left alone. */
export const NOT_ACCEPTED = 'does not accept its credentials';
/** How long a proxy that can be reached and is of no use is not asked: doubled from the least to the most. */
const REST_MIN_MS = 5_000;
const REST_MAX_MS = 60_000;
/** A proxy that answers none of so many tenants hangs; fewer may have endpoints that swallow packets. */
const UNANSWERED_TENANTS = 3;

/** How a pool stands. */
export interface PoolState {
  readonly name: string;
  /** Something may leave. */
  readonly open: boolean;
  /** What is wrong with its ways, one sentence each; may be so with some while others are open. */
  readonly problems: readonly string[];
}

/** A pool of which nothing is known to be wrong. */
export function createPool(definition: PoolDefinition): Pool {
  const way = (localAddress?: string, proxy?: ProxyDefinition): Way => ({
    ...{
      localAddress,
      proxy,
      broken: null,
      withheld: null,
      seen: undefined,
      restsUntil: -Infinity,
      restMs: REST_MIN_MS,
    },
    ...{ answeredAt: -Infinity, unanswered: new Set<string>() },
    unproven: definition.echoUrl === undefined ? null : 'its source address is not checked yet',
  });
  const ways =
    definition.kind === 'addresses'
      ? definition.localAddresses.map((address) => way(address))
      : [way(undefined, definition.kind === 'proxy' ? definition.proxy : undefined)];
  return { name: definition.name, definition, ways, taken: 0, withheld: () => null, changed: () => undefined };
}

/** Something may leave this way. */
export function isOpen(way: Way): boolean {
  return problemOf(way) === null;
}

function problemOf({ broken, unproven, withheld }: Way): string | null {
  return broken ?? unproven ?? withheld;
}

/** The address that receivers see what leaves this way come from; undefined: that is not known. */
function sourceOf({ sourceAddresses }: PoolDefinition, { seen, localAddress }: Way): string | undefined {
  if (seen !== undefined) return seen;
  return localAddress !== undefined && sourceAddresses.includes(localAddress) ? localAddress : undefined;
}

/** How the pool stands now. */
export function stateOf({ name, ways }: Pool): PoolState {
  const problems = ways.flatMap((way) => (isOpen(way) ? [] : [`${textOf(way)}: ${problemOf(way)}`]));
  return { name, open: problems.length < ways.length, problems };
}

/** For operators: which way it is. */
export function textOf({ localAddress, proxy }: Way): string {
  if (localAddress !== undefined) return localAddress;
  return proxy === undefined ? 'the cluster’s own addresses' : `proxy ${proxy.hostname}:${proxy.port}`;
}

/**
 * The way that the next connection to `address` takes: an open one, in turn, or always the same for one `key` as long as
 * that is open. There may be none, and then nothing is sent: never from anywhere else.
 */
export function takeWay(pool: Pool, address: string, key: string): Way | EgressError {
  const family = pool.ways.filter((way) => isOfFamily(way, address));
  if (family.length === 0) {
    return new EgressError('connection_refused', 'endpoint', 'the egress pool has no address of the host’s family');
  }
  const open = family.filter(isOpen);
  if (open.length === 0) return poolUnavailable(pool);
  if (pool.definition.kind === 'addresses' && pool.definition.choice === 'sticky') return nearest(open, key);
  const way = open[pool.taken % open.length] as Way;
  pool.taken++;
  return way;
}

/** What was found out about a way. Whoever listens to the pool is told when that is news. */
export function noteWay(
  pool: Pool,
  way: Way,
  found: Partial<Pick<Way, 'broken' | 'unproven' | 'seen' | 'restsUntil'>>,
): void {
  const before = problemOf(way);
  Object.assign(way, found);
  way.withheld = pool.withheld(sourceOf(pool.definition, way));
  if (problemOf(way) !== before) pool.changed(way);
}

/** The way is of no use, which looking at it does not tell: it is left alone for a while, each time for longer. */
export function restWay(pool: Pool, way: Way, why: string, now: number): void {
  const restsUntil = now + way.restMs;
  way.restMs = Math.min(2 * way.restMs, REST_MAX_MS);
  way.unanswered.clear();
  noteWay(pool, way, { broken: why, restsUntil });
}

/** Something came back this way. */
export function noteAnswer(way: Way, now: number): void {
  way.answeredAt = now;
  if (way.unanswered.size > 0) way.unanswered.clear();
  way.restMs = REST_MIN_MS;
}

/** A request for a tunnel was not answered in time, nor was anything else meanwhile. `key`: `tenant/endpoint`. */
export function noteSilence(pool: Pool, way: Way, key: string, now: number): void {
  way.unanswered.add(tenantOf(key));
  if (way.unanswered.size >= UNANSWERED_TENANTS) restWay(pool, way, 'answers nobody', now);
}

/** Nothing can leave from the pool. The reason is the operator's affair and stays out of attempts. */
export function poolUnavailable({ name }: Pick<Pool, 'name'>): EgressError {
  return new EgressError('pool_unavailable', 'ours', `nothing can be sent from the egress pool ${name} now`);
}

function isOfFamily({ localAddress }: Way, address: string): boolean {
  return localAddress === undefined || localAddress.includes(':') === address.includes(':');
}

/** Rendezvous: when one way is lost, only what went there goes elsewhere. */
function nearest(ways: readonly Way[], key: string): Way {
  const weighed = ways.map((way) => ({ way, weight: hash('sha1', `${key}\n${way.localAddress}`) }));
  return weighed.reduce((best, other) => (other.weight > best.weight ? other : best)).way;
}
