/** Real processes, no Kafka: what each service says of an environment that cannot be used. Observed: exit code, standard error, time. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AddressInfo } from 'node:net';

const root = join(import.meta.dirname, '../..');
const kek = '00'.repeat(31) + '01';
/** The promise is 2 s on a machine of its own; tests share theirs. */
const endsWithinMs = 6_000;

interface Ended {
  readonly code: number | null;
  readonly said: string;
  readonly tookMs: number;
}

async function runService(service: string, env: Record<string, string>): Promise<Ended> {
  const started = performance.now();
  const main = join(root, 'services', service, 'src/main.ts');
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said, tookMs: performance.now() - started };
}

for (const service of ['control-plane', 'router', 'dispatcher']) {
  test(`${service}: every problem of the environment is told by name, and the process ends`, async () => {
    const { code, said, tookMs } = await runService(service, {
      POSTRIDER_SESSION_TIMEOUT: 'soon',
      POSTRIDER_HEALTH_PORT: '-1',
      POSTRIDER_LOG_LEVEL: 'loud',
      POSTRIDER_TOPIC_PREFX: 'typing.error.',
      POSTRIDER_KAFKA_SASL_MECHANISM: 'plain',
    });
    assert.equal(code, 1);
    for (const variable of [
      'POSTRIDER_KAFKA_BROKERS is missing',
      'POSTRIDER_SESSION_TIMEOUT',
      'POSTRIDER_HEALTH_PORT',
      'POSTRIDER_LOG_LEVEL',
      'POSTRIDER_TOPIC_PREFX is not a known setting; did you mean POSTRIDER_TOPIC_PREFIX',
      'POSTRIDER_KAFKA_SASL_USERNAME is missing',
    ])
      assert.ok(said.includes(variable), `${variable} is not in:\n${said}`);
    assert.ok(tookMs < endsWithinMs, `took ${tookMs} ms`);
  });

  test(`${service}: a port that is taken is named, with the variable to change`, async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const { code, said, tookMs } = await runService(service, {
      POSTRIDER_KAFKA_BROKERS: '127.0.0.1:1',
      POSTRIDER_HEALTH_HOST: '127.0.0.1',
      POSTRIDER_HEALTH_PORT: String(port),
      ...(service === 'router' ? {} : { POSTRIDER_KEK: kek }),
    });
    assert.equal(code, 1);
    assert.match(said, new RegExp(`port ${port}.*POSTRIDER_HEALTH_PORT`));
    assert.ok(tookMs < endsWithinMs, `took ${tookMs} ms`);
  });
}
