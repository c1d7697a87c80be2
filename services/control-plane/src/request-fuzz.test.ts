/** Random and broken requests to every method, by seeds. Doubles: Kafka. Observed: statuses, and promises that nobody handles. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { methodRules } from '@postrider/contract/postrider/v1/methods';
import { requestTypes } from '@postrider/contract/postrider/v1/request-shapes';
import { encode, openRaw, pathOf, requestOf, type RawClient } from '../testing/raw-calls.ts';
import { randomRequest, seeded } from '../testing/random-requests.ts';
import { ADMIN_KEY, startTestPlane, type Running } from '../testing/harness.ts';
import type { ServiceError } from '@grpc/grpc-js';
import type { MethodName } from '@postrider/core';

/** What a client can act on. Everything else would be a fault of ours. */
const clean = new Set([
  ...['OK', 'INVALID_ARGUMENT', 'NOT_FOUND', 'ALREADY_EXISTS', 'FAILED_PRECONDITION', 'ABORTED', 'RESOURCE_EXHAUSTED'],
  ...['PERMISSION_DENIED', 'UNAVAILABLE'],
]);
const seeds = 60;
const methods = (Object.keys(methodRules) as MethodName[]).filter((method) => pathOf(method) in requestTypes);

let run: Running;
let raw: RawClient;
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

before(async () => {
  run = await startTestPlane();
  raw = openRaw(run.plane.port, ADMIN_KEY);
});
after(async () => {
  raw[Symbol.dispose]();
  await run.stop();
});

/** What requests may hit upon. Some of them take it away again. */
async function furnish(): Promise<void> {
  const endpoint = { url: 'https://hooks.acme.dev/' };
  await codeOf('CreateTenant', encode('CreateTenant', { tenant_id: 'acme' }));
  await codeOf('CreateEndpoint', encode('CreateEndpoint', { parent: 'tenants/acme', endpoint_id: 'one', endpoint }));
}

function codeOf(method: MethodName, request: Buffer): Promise<string> {
  return raw.call(method, request).then(
    () => 'OK',
    (error: ServiceError) => status[error.code] ?? String(error.code),
  );
}

for (const method of methods) {
  test(`${method}: no request is answered with a fault of ours`, { timeout: 60_000 }, async (t) => {
    await furnish();
    const counts = new Map<string, number>();
    for (let seed = 1; seed <= seeds; seed += 1) {
      const request = randomRequest(requestOf(method), seeded(seed));
      const code = await codeOf(method, request);
      counts.set(code, (counts.get(code) ?? 0) + 1);
      assert.ok(clean.has(code), `seed ${seed}: ${code} to ${request.toString('base64').slice(0, 2_000)}`);
    }
    t.diagnostic([...counts].map(([code, count]) => `${count} ${code}`).join(', '));
  });
}

test('none of them has left a promise to itself, and the next caller is served', async () => {
  await new Promise(setImmediate);
  assert.deepEqual(unhandled, []);
  assert.equal(await codeOf('ListTenants', Buffer.alloc(0)), 'OK');
  assert.ok(methods.length >= 40, `${methods.length}`);
});
