import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { fetchedRedis, redisBinary } from './redis-binary.ts';
import { startRedis } from './redis.ts';
import { waitFor } from './wait-for.ts';

const run = promisify(execFile);

test('a machine without a redis-server gets one that Maven fetches, and it serves', async () => {
  const binary = await fetchedRedis();
  assert.equal(await redisBinary(join(import.meta.dirname, 'no-such-folder')), binary);
  const { stdout } = await run(binary, ['--version']);
  assert.match(stdout, /^Redis server v=7\./);
  await using redis = await startRedis({ binary });
  redis.freeze();
  redis.thaw();
  await redis.kill();
  await redis.restart();
});

test('a Redis does not outlive the process that started it, however that went', async () => {
  const script = `import { startRedis } from ${JSON.stringify(join(import.meta.dirname, 'redis.ts'))};
    const redis = await startRedis();
    process.stdout.write(String(redis.pid), () => process.kill(process.pid, 'SIGKILL'));`;
  const ended = await run(process.execPath, ['--input-type=module', '-e', script]).catch((error: unknown) => error);
  const pid = Number((ended as { readonly stdout: string }).stdout);
  assert.ok(pid > 1, String(ended));
  await waitFor(() => !isRunning(pid), { what: `process ${pid} to be gone`, timeoutMs: 5_000 });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
