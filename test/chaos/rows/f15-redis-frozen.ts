import { openRedisEdge } from '../redis-edge.ts';
import type { Row } from '../row.ts';
import type { Scene } from '../scene.ts';

const eachMs = 8_000;
const settleMs = 3_000;
/** Whose latency a Redis concerns: nobody's. */
const nobody: ReadonlySet<number> = new Set();

/** While Redis is as it is now the load runs on, then a dispatcher is killed: its successors ask Redis, and must not wait. */
async function withKill(scene: Scene, number: number): Promise<void> {
  await scene.pass(eachMs);
  scene.mended();
  const victim = scene.dispatcher(number);
  const owned = scene.ownedBy(victim);
  await scene.recovered(await victim.kill('SIGKILL'), owned);
  victim.restart();
  await scene.ownedByAll(scene.stack.dispatchers);
  // What was taken over is served before the next measurement begins.
  await scene.pass(settleMs);
}

export const redisFrozen: Row = {
  id: 'F15',
  title: 'Redis hangs (SIGSTOP), then answers 200 ms late at 1 kB/s; a dispatcher is killed each time',
  recoveryMsMax: 15_000,
  calmRatioMax: 1.1,
  async prepare(undo) {
    const { redis, proxy, envOf } = await openRedisEdge(undo);
    return {
      envOf,
      async inject(scene) {
        scene.broken(nobody);
        redis.freeze();
        await withKill(scene, 1);
        redis.thaw();
        scene.broken(nobody);
        proxy.set({ kind: 'slow', latencyMs: 200, bytesPerSecond: 1_000 });
        await withKill(scene, 2);
        proxy.set({ kind: 'none' });
      },
    };
  },
};
