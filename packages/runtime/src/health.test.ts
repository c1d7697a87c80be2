import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startHealth, type CheckResult, type HealthOptions } from './health.ts';
import { createMetrics } from './metrics.ts';

const loopback = { port: 0, host: '127.0.0.1' };

async function ask(options: Omit<HealthOptions, 'port' | 'host'>, path: string, init?: RequestInit) {
  await using health = await startHealth({ ...loopback, ...options });
  const response = await fetch(`http://127.0.0.1:${health.port}${path}`, init);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

test('ready only when every check is ok, with each check and its reason', async () => {
  let kafka: CheckResult = { ok: false, reason: 'no broker answers' };
  await using health = await startHealth({
    ...loopback,
    checks: { kafka: () => kafka, config: () => ({ ok: true, detail: { offset: 7 } }) },
  });
  const readyz = async () => {
    const response = await fetch(`http://127.0.0.1:${health.port}/readyz?verbose`);
    return [response.status, await response.json()];
  };
  assert.deepEqual(await readyz(), [
    503,
    {
      ok: false,
      checks: { kafka: { ok: false, reason: 'no broker answers' }, config: { ok: true, detail: { offset: 7 } } },
    },
  ]);
  kafka = { ok: true };
  assert.equal((await readyz())[0], 200);
});

test('alive while not ready', async () => {
  const { status, text } = await ask({ checks: { kafka: () => ({ ok: false, reason: 'x' }) } }, '/livez');
  assert.deepEqual([status, text], [200, '{"ok":true,"checks":{}}\n']);
});

test('not alive when a live check says so', async () => {
  const liveChecks = { progress: (): CheckResult => ({ ok: false, reason: 'nothing done for 30 s' }) };
  assert.equal((await ask({ checks: {}, liveChecks }, '/livez')).status, 503);
});

test('a check that throws is not ok and ends nothing', async () => {
  const checks = {
    broken: (): CheckResult => {
      throw new Error('bug');
    },
  };
  const { status, text } = await ask({ checks }, '/readyz');
  assert.equal(status, 503);
  assert.match(text, /the check itself failed: bug/);
});

test('metrics are served as Prometheus text', async () => {
  const metrics = createMetrics();
  metrics.counter('postrider_x', 'x').with({}).add();
  const { status, type, text } = await ask({ checks: {}, metrics }, '/metrics');
  assert.deepEqual([status, type], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  assert.match(text, /^postrider_x_total 1$/m);
});

test('unknown paths and methods are refused', async () => {
  assert.equal((await ask({ checks: {} }, '/')).status, 404);
  assert.equal((await ask({ checks: {} }, '/metrics')).status, 404);
  assert.equal((await ask({ checks: {} }, '/livez', { method: 'POST' })).status, 405);
});

test('a taken port is named together with the variable that changes it', async () => {
  await using first = await startHealth({ ...loopback, checks: {} });
  await assert.rejects(
    startHealth({ ...loopback, port: first.port, checks: {}, portVariable: 'POSTRIDER_HEALTH_PORT' }),
    new RegExp(
      `port ${first.port} for health and metrics is taken by another process; set POSTRIDER_HEALTH_PORT to another`,
    ),
  );
});

test('disposal does not wait for a connection that stays open', async () => {
  const health = await startHealth({ ...loopback, checks: {} });
  await fetch(`http://127.0.0.1:${health.port}/livez`, { headers: { connection: 'keep-alive' } });
  await health[Symbol.asyncDispose]();
  await assert.rejects(fetch(`http://127.0.0.1:${health.port}/livez`));
});
