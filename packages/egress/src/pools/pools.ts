import type { Socket } from 'node:net';
import { every } from '@postrider/core';
import { withheldBecause, type AnnouncedRanges } from './announced.ts';
import { canBind } from './can-bind.ts';
import type { PoolDefinitions } from './definition.ts';
import { watchEcho } from './echo.ts';
import { DEFAULT_POOL } from './name.ts';
import {
  createPool,
  isOpen,
  NOT_ACCEPTED,
  NOT_OURS,
  noteWay,
  stateOf,
  UNREACHABLE,
  type Pool,
  type PoolState,
  type Way,
} from './pool.ts';
import { reachProxy } from './tunnel.ts';
import type { ConnectDependencies } from '../guarded-connect.ts';
import type { FailureCause } from '../result.ts';

/** All egress pools of a process: which there are, and which of their ways can be used. */
export interface Pools {
  /** Undefined: there is none of this name, and nothing may be sent for it. */
  get(name: string): Pool | undefined;
  /** Something may leave from it. False also if there is none of this name. */
  isOpen(name: string): boolean;
  states(): readonly PoolState[];
  /** Calls back when what is known of a way has changed; returns how to stop that. */
  onChange(callback: (pool: Pool, way: Way) => void): () => void;
  /**
   * Whether a failure that looks like the endpoint's is the way's: looks at the way again, now. Undefined: it is not.
   */
  blame(pool: Pool, way: Way): Promise<FailureCause | undefined>;
  /** What was announced has changed. */
  judge(): void;
  close(): void;
}

/** What watching needs. */
export interface PoolsOptions {
  readonly definitions: PoolDefinitions;
  readonly connect: ConnectDependencies;
  /** The source addresses that receivers have been told of, by pool. */
  readonly announced?: ((pool: string) => AnnouncedRanges) | undefined;
}

/**
 * The pools that are defined, and one named `default` in any case. Every second it is looked whether local addresses are
 * still this machine's, and whether proxies that could not be reached can be, and whether their passwords
 * are others: so a pool comes back by itself. And whether an announced address is used from now on, or no more.
 */
export function createPools({ definitions, connect, announced }: PoolsOptions): Pools {
  const { clock } = connect;
  const pools = new Map<string, Pool>();
  const listeners = new Set<(pool: Pool, way: Way) => void>();
  const looks = new Map<Way, Promise<void>>();
  pools.set(DEFAULT_POOL, createPool({ name: DEFAULT_POOL, kind: 'nat', sourceAddresses: [] }));
  for (const definition of definitions.values()) pools.set(definition.name, createPool(definition));
  for (const pool of pools.values()) {
    pool.changed = (way) => {
      for (const listener of listeners) listener(pool, way);
    };
    if (announced !== undefined) pool.withheld = (source) => withheldBecause(announced(pool.name), source, clock.now());
  }

  /** One look at a time: whoever asks meanwhile is told what it finds. */
  function look(pool: Pool, way: Way): Promise<void> {
    let running = looks.get(way);
    if (running === undefined) {
      running = lookAt(pool, way, connect).finally(() => looks.delete(way));
      looks.set(way, running);
    }
    return running;
  }

  function lookAtAll(): void {
    judge();
    for (const pool of pools.values()) {
      for (const way of pool.ways) {
        const isDue = way.localAddress !== undefined || (way.broken !== null && clock.monotonic() >= way.restsUntil);
        if (isDue) void look(pool, way);
        void refreshCredentials(pool, way);
      }
    }
  }

  function judge(): void {
    for (const pool of pools.values()) for (const way of pool.ways) noteWay(pool, way, {});
  }

  const hasLooks = [...pools.values()].some(({ definition }) => definition.kind !== 'nat');
  const isWatched = hasLooks || announced !== undefined;
  if (isWatched) lookAtAll();
  const stopLooking = isWatched ? every(clock, connect.limits.poolLookEveryMs, lookAtAll) : () => {};
  const stopAsking = [...pools.values()].flatMap((pool) => {
    const { echoUrl } = pool.definition;
    return echoUrl === undefined ? [] : [watchEcho(pool, echoUrl, connect)];
  });
  return {
    get: (name) => pools.get(name),
    isOpen: (name) => pools.get(name)?.ways.some(isOpen) ?? false,
    states: () => [...pools.values()].map(stateOf),
    onChange(callback) {
      listeners.add(callback);
      return () => void listeners.delete(callback);
    },
    async blame(pool, way) {
      await look(pool, way);
      if (isOpen(way)) return undefined;
      const message = `the egress pool ${pool.name} lost the connection`;
      return { code: way.proxy === undefined ? 'pool_unavailable' : 'proxy_unavailable', owner: 'ours', message };
    },
    judge,
    close() {
      stopLooking();
      for (const stop of stopAsking) stop();
      listeners.clear();
    },
  };
}

/** Another password ends the rest of a proxy that did not accept the one before it. */
async function refreshCredentials(pool: Pool, way: Way): Promise<void> {
  const isNew = (await way.proxy?.credentials?.refresh()) ?? false;
  if (isNew && way.broken === NOT_ACCEPTED) noteWay(pool, way, { broken: null, restsUntil: -Infinity });
}

async function lookAt(pool: Pool, way: Way, { clock, limits }: ConnectDependencies): Promise<void> {
  if (way.localAddress !== undefined) {
    const isOurs = await canBind(way.localAddress);
    if (isOurs !== undefined) noteWay(pool, way, { broken: isOurs ? null : NOT_OURS });
    return;
  }
  if (way.proxy === undefined) return;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timers = [clock.after(limits.connectMs, () => resolve(false))];
  const opened: Socket[] = [];
  reachProxy(
    way.proxy,
    (socket) => opened.push(socket.on('error', () => {})),
    (error, socket) => {
      if (error !== null || socket === undefined) return resolve(false);
      socket.resume().once('close', () => resolve(false));
      timers.push(clock.after(limits.proxyStandsMs, () => resolve(true)));
    },
  );
  const reached = await promise;
  for (const stop of timers) stop();
  for (const socket of opened) socket.destroy();
  // Whoever was refused by it meanwhile knows better.
  if (clock.monotonic() >= way.restsUntil) noteWay(pool, way, { broken: reached ? null : UNREACHABLE });
}
