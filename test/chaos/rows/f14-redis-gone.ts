import { connect } from 'node:net';
import { once } from 'node:events';
import { openRedisEdge } from '../redis-edge.ts';
import type { Row } from '../row.ts';

const goneMs = 15_000;
const noticedMsMax = 2_000;
/** Whose latency a Redis concerns: nobody's. */
const nobody: ReadonlySet<number> = new Set();

async function flush(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write('FLUSHALL\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString().trim();
}

export const redisGone: Row = {
  id: 'F14',
  title: 'Redis is emptied, then killed; a dispatcher is killed meanwhile; Redis comes back',
  recoveryMsMax: 15_000,
  calmRatioMax: 1.1,
  async prepare(undo) {
    const { redis, envOf } = await openRedisEdge(undo);
    return {
      envOf,
      async inject(scene) {
        scene.promise('Redis was emptied', (await flush(redis.port)) === '+OK');
        const from = scene.broken(nobody);
        await redis.kill();
        const noticed = await scene.recovered(from);
        scene.promise(`without Redis deliveries go on within ${noticedMsMax / 1_000} s`, noticed <= noticedMsMax);
        await scene.pass(Math.max(0, from + goneMs - Date.now()));
        scene.mended();
        const victim = scene.dispatcher(1);
        const owned = scene.ownedBy(victim);
        await scene.recovered(await victim.kill('SIGKILL'), owned);
        await redis.restart();
        victim.restart();
        await scene.ownedByAll(scene.stack.dispatchers);
      },
    };
  },
};
