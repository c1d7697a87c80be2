import { openFaultProxy, type FaultProxy } from '../support/fault-proxy.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';

/** A Redis that every dispatcher of a row reaches through one proxy. */
export interface RedisEdge {
  readonly redis: TestRedis;
  readonly proxy: FaultProxy;
  readonly envOf: (name: string) => Readonly<Record<string, string>>;
}

/** Starts both, until `undo` ends them. */
export async function openRedisEdge(undo: AsyncDisposableStack): Promise<RedisEdge> {
  const redis = undo.use(await startRedis());
  const proxy = undo.use(await openFaultProxy({ targetPort: redis.port }));
  const url = `redis://127.0.0.1:${proxy.port}`;
  return { redis, proxy, envOf: (name) => (name.startsWith('dispatcher-') ? { POSTRIDER_REDIS_URL: url } : {}) };
}
