/**
 * What becomes of connections when the operator changes the policy. Doubles: none but the endpoints, on loopback; the policy
 * that closes is the one without loopback. Observed: results, and connections as endpoints see them.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { laptopPolicy, onRequest, openEgress, rawEndpoint, requestTo, sendOne } from '../testing/support.ts';
import { createPolicy } from './index.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const noLoopback = createPolicy({ allowHttp: true, ports: 'any' });
const resolve = async (): Promise<string[]> => ['127.0.0.1'];

/** An endpoint that answers at once or, after `hold`, when it is told to. */
async function endpoint() {
  const closed = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  let held: (() => void) | null = null;
  let holds = false;
  const raw = await rawEndpoint((socket) => {
    socket.on('close', () => closed.resolve());
    onRequest(socket, () => {
      const answer = (): void => void socket.write(ok);
      if (holds) held = answer;
      else answer();
      arrived.resolve();
    });
  });
  return {
    url: `http://hook.example.com:${raw.port}`,
    accepts: raw.accepts,
    closed: closed.promise,
    arrived: arrived.promise,
    hold: () => void (holds = true),
    answer: () => held?.(),
    [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose](),
  };
}

test('unused connections to an address that is not allowed any more are closed at once, and none is opened again', async () => {
  await using one = await endpoint();
  await using egress = openEgress({ resolve });
  assert.equal((await sendOne(egress, requestTo(one.url))).kind, 'response');
  assert.equal(egress.connections(), 1);
  egress.usePolicy(noLoopback);
  await one.closed;
  assert.equal(egress.connections(), 0);
  const result = await sendOne(egress, requestTo(one.url));
  assert.equal(result.kind === 'failure' && result.code, 'blocked_address');
  assert.equal(one.accepts(), 1);
});

test('connections that are still allowed stay', async () => {
  await using one = await endpoint();
  await using egress = openEgress({ resolve });
  await sendOne(egress, requestTo(one.url));
  egress.usePolicy(createPolicy({ allowHttp: true, ports: 'any', allowLoopback: true, denyCidrs: ['10.0.0.0/8'] }));
  await sendOne(egress, requestTo(one.url));
  assert.equal(one.accepts(), 1);
});

test('a request that is on its way has its result, and its connection is closed after it', async () => {
  await using one = await endpoint();
  one.hold();
  await using egress = openEgress({ resolve });
  const result = sendOne(egress, requestTo(one.url));
  await one.arrived;
  egress.usePolicy(noLoopback);
  one.answer();
  assert.equal((await result).kind, 'response');
  await one.closed;
  assert.equal(egress.connections(), 0);
});

test('a URL that is not allowed any more ends what waits for a connection to it', async () => {
  await using one = await endpoint();
  one.hold();
  await using egress = openEgress({ resolve });
  const first = sendOne(egress, requestTo(one.url, { maxSockets: 1 }));
  const second = sendOne(egress, requestTo(one.url, { maxSockets: 1 }));
  await one.arrived;
  egress.usePolicy(createPolicy({ allowLoopback: true, ports: 'any' }));
  const waited = await second;
  assert.equal(waited.kind === 'failure' && waited.code, 'blocked_url');
  one.answer();
  assert.equal((await first).kind, 'response');
});

test('a policy that changes while a name is resolved holds for the connection', async () => {
  await using one = await endpoint();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string[]>();
  await using egress = openEgress({
    resolve: () => {
      asked.resolve();
      return answer.promise;
    },
  });
  const result = sendOne(egress, requestTo(one.url));
  await asked.promise;
  egress.usePolicy(noLoopback);
  answer.resolve(['127.0.0.1']);
  const { kind, ...told } = await result;
  assert.equal(kind === 'failure' && 'code' in told && told.code, 'blocked_address');
  assert.equal(one.accepts(), 0);
});

test('a policy that changes while the connection is made keeps nothing of it, and costs the endpoint nothing', async () => {
  await using one = await endpoint();
  await using egress = openEgress({
    resolve,
    dial: (host, port) => {
      egress.usePolicy(noLoopback);
      return connect({ host, port });
    },
  });
  const result = await sendOne(egress, requestTo(one.url));
  assert.deepEqual(result.kind === 'failure' && [result.code, result.owner], ['blocked_address', 'ours']);
  await one.closed;
});

test('a policy that opens is obeyed at once', async () => {
  await using one = await endpoint();
  await using egress = openEgress({ resolve, policy: noLoopback });
  assert.equal((await sendOne(egress, requestTo(one.url))).kind, 'failure');
  egress.usePolicy(laptopPolicy);
  assert.equal((await sendOne(egress, requestTo(one.url))).kind, 'response');
});
