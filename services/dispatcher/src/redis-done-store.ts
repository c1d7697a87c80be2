import { Redis } from 'ioredis';
import { limits } from '@postrider/core';
import { takeNumbers, takeScript, type SharedRate } from './shared-rate.ts';
import type { DoneStore } from './done-store.ts';
import type { RedisTarget } from './redis-target.ts';

const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 5_000;

export interface RedisDoneStoreOptions {
  readonly target: RedisTarget;
  /** The connection was lost or refused; it is tried again without end. */
  readonly onTrouble: (error: Error) => void;
}

/**
 * A Redis: one connection, which comes back by itself. While there is none every call rejects at once: nothing is queued
 * for later. The only file that knows the client.
 */
export function connectRedis({ target, onTrouble }: RedisDoneStoreOptions): DoneStore & SharedRate {
  const { host, port, username, password, database, tls } = target;
  const redis = new Redis({
    ...{ host, port, db: database, username, connectTimeout: CONNECT_TIMEOUT_MS },
    ...(password === null ? {} : { password: password.reveal() }),
    ...(tls ? { tls: { servername: host } } : {}),
    connectionName: 'postrider-dispatcher',
    commandTimeout: limits.doneTimeoutMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A Redis that is loading its data says so to every command, which is doubt enough.
    enableReadyCheck: false,
    disableClientInfo: true,
    // The older protocol says all that is asked here, and every Redis speaks it.
    protocol: 2,
    retryStrategy: (times) => Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** Math.min(times, 10)),
  });
  redis.on('error', (error: Error) => onTrouble(withoutWords(error)));
  return {
    async add(keys, keptMs) {
      const pipeline = redis.pipeline();
      for (const key of keys) pipeline.set(key, '1', 'PX', keptMs);
      const results = (await pipeline.exec()) ?? [];
      const failed = results.find(([error]) => error !== null)?.[0];
      if (failed) throw withoutWords(failed);
      if (results.length !== keys.length) throw new Error('not every key was answered');
    },
    async has(keys) {
      try {
        return (await redis.mget([...keys])).map((value) => value !== null);
      } catch (error) {
        throw withoutWords(error as Error);
      }
    },
    async take(name, perSecond, wanted) {
      const keys = ['rate', 'waits', 'ahead', 'until'].map((part) => `${name}:${part}`);
      const tenants = [...wanted.keys()];
      const asks = [...wanted].flat();
      try {
        const answer = await redis.eval(takeScript, keys.length, ...keys, ...takeNumbers(perSecond), ...asks);
        const [waitMicros = 0, ...given] = (answer as unknown[]).map(Number);
        const granted = new Map(tenants.map((tenant, at) => [tenant, given[at] ?? 0]));
        return { granted, waitMs: waitMicros / 1_000 };
      } catch (error) {
        throw withoutWords(error as Error);
      }
    },
    async [Symbol.asyncDispose]() {
      redis.disconnect();
    },
  };
}

/** Reasons that the client words itself. */
const clientReasons: readonly (readonly [begins: string, reason: string])[] = [
  ['Stream isn', 'not connected'],
  ['Connection is closed', 'not connected'],
  ['Command timed out', 'no answer in time'],
];

/**
 * The client hangs the failed command on its errors, and a Redis repeats arguments in its own: either may hold the
 * password. What is left is a code, or a reason of ours.
 */
function withoutWords(error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  const known = clientReasons.find(([begins]) => error.message.startsWith(begins))?.[1];
  return new Error(code ?? known ?? /^[A-Z]{3,}\b/.exec(error.message)?.[0] ?? error.name);
}
