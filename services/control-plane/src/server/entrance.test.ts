/**
 * Requests that never come to their ends, over real sockets of loopback. Doubles: Kafka. Observed: statuses, what has been told of
 * the calls, and that others are served.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { once } from 'node:events';
import { Metadata, status } from '@grpc/grpc-js';
import { Role } from '@postrider/contract/postrider/v1/access';
import { ApiKey } from '@postrider/contract/postrider/v1/access_service';
import { createFakeClock } from '@postrider/kafka/testing';
import { ADMIN_KEY, startTestPlane, type Running } from '../../testing/harness.ts';
import { encode, openRaw, pathOf } from '../../testing/raw-calls.ts';
import { serverLimits } from '../server-limits.ts';
import { createEntrance } from './entrance.ts';
import type { InterceptingServerListener } from '@grpc/grpc-js/build/src/server-interceptors.js';
import type { Principal } from '../permissions.ts';

const HEALTH = '/grpc.health.v1.Health/Check';
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
/** The beginning of a message of a mebibyte: more than a stream has credit for. */
const begun = Buffer.concat([Buffer.from([0, 0, 0x10, 0, 0]), Buffer.alloc(80 * 1_024)]);

let run: Running;
before(async () => {
  run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
});
after(() => run.stop());

function openSession(): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${run.plane.port}`);
  session.on('error', () => {});
  return session;
}

/** A call whose request begins and does not end. */
function begin(session: ClientHttp2Session, path: string, key: string | null, bytes = begun) {
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request({ ...headers, ...(key === null ? {} : { authorization: `Bearer ${key}` }) });
  stream.on('error', () => {});
  stream.write(bytes);
  const answer = headersOf(stream);
  return {
    stream,
    code: answer.then((told) => status[Number(told['grpc-status'])]),
    message: answer.then((told) => decodeURIComponent(told['grpc-message'] ?? '')),
  };
}

async function headersOf(stream: ClientHttp2Stream): Promise<Record<string, string | undefined>> {
  const [headers] = (await once(stream, 'response')) as [Record<string, string | undefined>];
  return headers;
}

test('who is not known is answered before any of its request is read', async () => {
  const session = openSession();
  for (const method of ['GetTenant', 'PublishEvents', 'PublishEventStream', 'ExportAuditEntries'] as const) {
    for (const key of [null, `prk_test_${'b2'.repeat(16)}`, 'eyJhbGciOiJub25lIn0.e30.'])
      assert.equal(await begin(session, pathOf(method), key).code, 'UNAUTHENTICATED');
  }
  session.destroy();
  const told = run.log.lines.filter(({ fields }) => fields['method'] === 'PublishEvents');
  assert.ok(told.length >= 3, 'each is told as any other call');
});

for (const path of [HEALTH, REFLECTION]) {
  test(`strangers may call ${path}, and only so many of their requests are on their way at once`, async () => {
    const session = openSession();
    const calls = Array.from({ length: serverLimits.strangerRequestsSlowMax + 3 }, () => begin(session, path, null));
    for (const { code } of calls.slice(0, 3)) assert.equal(await code, 'RESOURCE_EXHAUSTED');
    using others = openRaw(run.plane.port, null);
    const listing = encode('ListEgressAddresses', { parent: 'egressPools/default' });
    assert.ok((await others.call('ListEgressAddresses', listing)) instanceof Buffer);
    // Those that were given up make room again.
    const closed = calls.slice(4).map(({ stream }) => once(stream, 'close'));
    session.destroy();
    await Promise.all(closed);
  });
}

test('whoever is known and sends no request to its end takes no place from the others, and is told so', async () => {
  // No more at once than a principal may begin.
  const sessions: ClientHttp2Session[] = [];
  const calls: ReturnType<typeof begin>[] = [];
  while (calls.length <= serverLimits.requestsArrivingMax) {
    const session = openSession();
    sessions.push(session);
    for (let call = 0; call < serverLimits.concurrentStreamsMax - 1; call += 1)
      calls.push(begin(session, pathOf('GetTenant'), ADMIN_KEY, begun.subarray(0, 7)));
    await once(session, 'remoteSettings');
    await new Promise((resolve) => session.ping(resolve));
  }
  assert.match(await Promise.race(calls.map(({ message }) => message)), /too many requests are on their way/);
  using others = openRaw(run.plane.port, ADMIN_KEY);
  assert.ok((await others.call('ListTenants', encode('ListTenants', {}))) instanceof Buffer);
  for (const one of sessions) one.destroy();
});

test('a key that is revoked while a request is on its way opens nothing', async () => {
  const apiKey = ApiKey.fromPartial({ role: Role.TENANT_ADMIN, tenant: 'tenants/acme' });
  const made = await run.access.createApiKey({ apiKeyId: '', requestId: '', apiKey });
  const message = encode('ListEndpoints', { parent: 'tenants/acme' });
  const framed = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  const session = openSession();
  const late = begin(session, pathOf('ListEndpoints'), made.keyString, framed.subarray(0, 7));
  const whole = begin(session, pathOf('ListEndpoints'), made.keyString, framed);
  whole.stream.end();
  assert.equal(await whole.code, undefined, 'an answer comes before its status');
  await run.access.revokeApiKey({ name: made.name, etag: '', force: false });
  late.stream.end(framed.subarray(7));
  assert.equal(await late.code, 'UNAUTHENTICATED');
  session.destroy();
});

test('nothing of a request is read while it is being found out who its caller is', async () => {
  const found = Promise.withResolvers<Principal>();
  const entrance = createEntrance({
    context: {
      ...{ clock: createFakeClock(), authenticate: () => found.promise },
      showing: { shownBy: () => ({ authorization: 'Bearer eyJ', certificate: () => null }) },
      view: { snapshot: () => ({ revision: '7' }) },
    } as never,
    rates: { take: () => {} },
    events: { callFinished: () => {} },
  });
  let began: InterceptingServerListener | undefined;
  const next = { start: (listener: InterceptingServerListener) => (began = listener), getPeer: () => '10.0.0.1:1' };
  const method = { path: pathOf('GetTenant'), requestStream: false };
  const metadata = new Metadata();
  const heard = Promise.withResolvers<Metadata>();
  entrance.interceptor(method as never, next as never).start({ onReceiveMetadata: heard.resolve } as never);
  began?.onReceiveMetadata(metadata);
  // The library reads when its handler has heard of the call.
  const turn = new Promise((resolve) => setImmediate(resolve, 'silent'));
  assert.equal(await Promise.race([heard.promise, turn]), 'silent');
  const caller = { actor: 'user/ann', grants: [] };
  found.resolve(caller);
  assert.equal(await heard.promise, metadata);
  assert.deepEqual(entrance.entered(metadata).caller, caller);
});
