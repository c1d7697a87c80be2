/**
 * What a stop does with calls that have begun, over real sockets of loopback. Doubles: Kafka, and the grace of a stop where it
 * is waited for. Observed: the caller's status, its connection, and when the stop is over.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type ClientHttp2Stream } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { test } from 'node:test';
import { createFakeKafka } from '@postrider/kafka/testing';
import { systemClock } from '@postrider/runtime';
import { ADMIN_KEY, startTestPlane } from '../../testing/harness.ts';
import { encode, pathOf } from '../../testing/raw-calls.ts';
import { serverLimits } from '../server-limits.ts';

/** A control plane that has received the headers of a call, and none of its request. */
async function callBegun(graceMs: number = serverLimits.stopGraceMs) {
  const after = (ms: number, callback: () => void): (() => void) => {
    const delayMs = ms === serverLimits.stopGraceMs ? graceMs : ms;
    return delayMs === Infinity ? () => {} : systemClock.after(delayMs, callback);
  };
  const run = await startTestPlane({}, createFakeKafka({ clock: { ...systemClock, after } }));
  const client = connect(`http://127.0.0.1:${run.plane.port}`);
  client.on('error', () => {});
  const begin = (): ClientHttp2Stream =>
    client.request({
      ...{ ':method': 'POST', ':path': pathOf('ListTenants') },
      ...{ 'content-type': 'application/grpc', te: 'trailers', authorization: `Bearer ${ADMIN_KEY}` },
    });
  // What came before it on the same connection has been answered: so it was received.
  const call = begin();
  call.on('error', () => {});
  await answered(begin());
  return { run, client, call };
}

/** Sends the request's message; resolves with the status of the answer. */
async function answered(call: ClientHttp2Stream): Promise<string> {
  const message = encode('ListTenants', {});
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  const trailers = once(call, 'trailers');
  call.resume().end(Buffer.concat([head, message]));
  const [{ 'grpc-status': status }] = (await trailers) as [Record<string, string>];
  return String(status);
}

test('a call that has begun is answered although its server stops, and with it the stop is over', async () => {
  const { run, client, call } = await callBegun();
  const closed = once(client, 'close');
  let isOver = false;
  const stopping = run.stop().then(() => (isOver = true));
  await once(client, 'goaway');
  // There and back: whatever would have ended by itself has.
  await new Promise((resolve) => void client.ping(resolve));
  assert.equal(isOver, false);
  assert.equal(await answered(call), '0');
  await Promise.all([stopping, closed]);
});

test('a call that does not end is waited for as long as the grace, and then cut', async () => {
  const graceMs = 50;
  const { run, client, call } = await callBegun(graceMs);
  let isAnswered = false;
  call.on('response', () => (isAnswered = true));
  const cut = Promise.all([once(client, 'close'), once(call, 'close')]);
  const begun = performance.now();
  await Promise.all([run.stop(), cut]);
  assert.ok(performance.now() - begun >= graceMs - 1);
  assert.equal(isAnswered, false);
});

test('connections without a call do not hold a stop up', async () => {
  const { run, client, call } = await callBegun(Infinity);
  call.close();
  await once(call, 'close');
  const silent = connectSocket(run.plane.port, '127.0.0.1');
  silent.on('error', () => {});
  await once(silent, 'data');
  // The grace never ends here.
  await run.stop();
  client.destroy();
  silent.destroy();
});
