/**
 * Signing secrets and the key-encryption key are rotated under load, with control plane, router and dispatcher as processes on a
 * real Kafka. The sink keeps what it is sent; afterwards every request is verified as a customer would, with the official
 * Standard Webhooks library (`v1`) and with Node's ed25519 (`v1a`).
 */
// test-timeout: 240 s
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Endpoint, SignatureScheme } from '@postrider/contract/postrider/v1/endpoint';
import { RotateSecretRequest } from '@postrider/contract/postrider/v1/secret_service';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { durationOf } from '@postrider/core';
import { pause } from '@postrider/kafka';
import { systemClock } from '@postrider/runtime';
import { sharedKafka } from '../support/kafka.ts';
import { eventRecord, numberedEvent } from '../support/publish-events.ts';
import { tempDir } from '../support/resources.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { signatureVerifier } from '../support/verify-signature.ts';
import { waitFor } from '../support/wait-for.ts';

const tenant = 'acme';
const eventType = 'order.paid';
const overlapMs = 12_000;
const everyMs = 50;
const perTurn = 5;

interface Request {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

async function startSink() {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { headers, url = '' } = request;
      requests.push({ path: url.slice(1), headers: headers as Record<string, string>, body: Buffer.concat(parts) });
      response.writeHead(200, { 'content-length': 0 }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    requests,
    url: (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An endpoint before and after its rotation. */
interface Rotated {
  readonly path: string;
  readonly old: string;
  readonly next: string;
  /** When the rotation was answered, and when the old secret ends: ms since the Unix epoch. */
  readonly answeredAt: number;
  readonly endsAt: number;
}

async function createEndpoint({ rpc }: Stack, url: string, path: string, scheme: SignatureScheme) {
  const parent = `tenants/${tenant}`;
  const endpoint = Endpoint.fromPartial({ url, signing: { scheme } });
  const made = await rpc.call(rpc.endpoints, rpc.endpoints.createEndpoint, {
    ...{ parent, endpointId: path, endpoint, requestId: '' },
  });
  const subscription = Subscription.fromPartial({ eventTypes: [eventType] });
  await rpc.call(rpc.subscriptions, rpc.subscriptions.createSubscription, {
    ...{ parent: made.name, subscriptionId: 'all', subscription, requestId: '' },
  });
  return { name: made.name, path, key: made.publicKey || made.signingSecret };
}

async function rotate({ rpc }: Stack, made: { name: string; path: string; key: string }): Promise<Rotated> {
  const { name, path, key: old } = made;
  const request = { ...RotateSecretRequest.fromPartial({ name }), overlap: durationOf(overlapMs) };
  const next = await rpc.call(rpc.secrets, rpc.secrets.rotateSecret, request);
  const answeredAt = Date.now();
  const list = { parent: name, pageSize: 0, pageToken: '' };
  const { secrets } = await rpc.call(rpc.secrets, rpc.secrets.listSecrets, list);
  const endsAt = secrets.find(({ expireTime }) => expireTime !== undefined)?.expireTime?.getTime() ?? assert.fail();
  return { path, old, next: next.publicKey || next.value, answeredAt, endsAt };
}

/** Publishes on and on until it is told to stop; gives how many. */
function publishOn(stack: Stack): { stop(): Promise<number> } {
  let stopped = false;
  const publishing = (async () => {
    await using producer = stack.kafka.producer({ name: 'publisher' });
    let number = 0;
    while (!stopped) {
      const events = Array.from({ length: perTurn }, () => numberedEvent(tenant, eventType, (number += 1)));
      await Promise.all(
        events.map((event, index) =>
          producer.send(eventRecord(stack.topic('events'), (number + index) % stack.partitions, event)),
        ),
      );
      await pause(systemClock, everyMs);
    }
    return number;
  })();
  return {
    stop() {
      stopped = true;
      return publishing;
    },
  };
}

type Period = 'before' | 'joining' | 'overlap' | 'ending' | 'after';

/** When it was signed, by the second that stands in it: dispatchers hear of a rotation within two seconds. */
function periodOf({ headers }: Request, { answeredAt, endsAt }: Rotated): Period {
  const second = Number(headers['webhook-timestamp']) * 1_000;
  if (second + 1_000 <= answeredAt - 2_000) return 'before';
  if (second < answeredAt + 2_000) return 'joining';
  if (second + 1_000 <= endsAt) return 'overlap';
  return second < endsAt ? 'ending' : 'after';
}

test('rotated under load, every request of the overlap verifies with either secret, and after it with the new one alone', async (context: TestContext) => {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await tempDir());
  const kekFile = join(directory.path, 'kek');
  const [old, next] = [randomBytes(32).toString('hex'), randomBytes(32).toString('base64')];
  writeFileSync(kekFile, `${old}\n${next}\n`);
  const sink = stack.use(await startSink());
  const run = stack.use(await startStack({ kafka: await sharedKafka(), partitions: 4, kekFile }));
  const { rpc } = run;
  await rpc.call(rpc.tenants, rpc.tenants.createTenant, { tenantId: tenant, tenant: undefined, requestId: '' });
  const { STANDARD_V1, STANDARD_V1A } = SignatureScheme;
  const made = await Promise.all(
    (['one', 'two', 'pair'] as const).map((path) =>
      createEndpoint(run, sink.url(path), path, path === 'pair' ? STANDARD_V1A : STANDARD_V1),
    ),
  );
  const load = publishOn(run);
  const arrived = (count: number) =>
    waitFor(() => sink.requests.length >= count, { what: `${count} requests`, timeoutMs: 60_000 });
  const keys = () => rpc.call(rpc.secrets, rpc.secrets.listKeyEncryptionKeys, {});
  const startAnew = async (kek: string, service: Stack['controlPlane']): Promise<void> => {
    writeFileSync(kekFile, kek);
    await service.kill('SIGTERM');
    service.restart();
    await service.ready();
  };
  const began = Date.now();
  await waitFor(() => Date.now() > began + 5_000, { what: 'a while before the rotation', timeoutMs: 10_000 });
  await arrived(200);
  const rotated = await Promise.all(made.map((one) => rotate(run, one)));
  // The new key goes first, is given to everything, and then is the only one: of the control plane, and of the dispatcher.
  await startAnew(`${next}\n${old}\n`, run.controlPlane);
  await waitFor(async () => (await keys().catch(() => null))?.toResealCount === 0n, {
    what: 'everything is sealed under the new key',
    timeoutMs: 60_000,
  });
  await startAnew(next, run.controlPlane);
  await startAnew(next, run.dispatcher);
  const last = Math.max(...rotated.map(({ endsAt }) => endsAt));
  await waitFor(() => Date.now() > last + 3_000, { what: 'the old secrets have ended', timeoutMs: 60_000 });
  const count = sink.requests.length;
  await arrived(count + 200);
  const events = await load.stop();
  await arrived(events * made.length);

  const counted: Partial<Record<Period, number>> = {};
  for (const endpoint of rotated) {
    const [byOld, byNext] = [signatureVerifier(endpoint.old), signatureVerifier(endpoint.next)];
    for (const request of sink.requests.filter(({ path }) => path === endpoint.path)) {
      const period = periodOf(request, endpoint);
      counted[period] = (counted[period] ?? 0) + 1;
      const isOld = byOld(request.headers, request.body) === 'valid';
      const isNext = byNext(request.headers, request.body) === 'valid';
      const told = `${endpoint.path} ${period} ${request.headers['webhook-timestamp']} ${JSON.stringify(endpoint)}`;
      if (period === 'before') assert.deepEqual([isOld, isNext], [true, false], told);
      if (period === 'overlap') assert.deepEqual([isOld, isNext], [true, true], told);
      if (period === 'after') assert.deepEqual([isOld, isNext], [false, true], told);
      assert.ok(isOld || isNext, told);
    }
  }
  for (const period of ['before', 'overlap', 'after'] as const) assert.ok((counted[period] ?? 0) > 100, period);
  const ids = new Set(sink.requests.map(({ path, headers }) => `${path} ${headers['webhook-id']}`));
  assert.equal(ids.size, events * made.length, 'each event has arrived at each endpoint');
  let deadLetters = 0;
  await run.topicRecords('dead-letters', () => void (deadLetters += 1));
  assert.equal(deadLetters, 0);
  context.diagnostic(`${events} events, ${sink.requests.length} requests: ${JSON.stringify(counted)}; no dead letter`);
});
