import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { probe, readAnswer, splitFrames } from './wire-probe.ts';

/** ApiVersions v0: correlation id, error code, empty list. */
const versions = Buffer.from('00000001' + '0000' + '00000000', 'hex');
/** Metadata v1: correlation id, two brokers (1 "a":9 no rack, 2 "b":9 rack "r"), controller 2, no topics. */
const cluster = Buffer.from(
  '00000002' +
    '00000002' +
    '00000001' +
    '000161' +
    '00000009' +
    'ffff' +
    '00000002' +
    '000162' +
    '00000009' +
    '000172' +
    '00000002' +
    '00000000',
  'hex',
);

function frame(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

test('brokers and controller are read from the answers', () => {
  assert.deepEqual(readAnswer(versions, cluster), { brokerIds: [1, 2], controllerId: 2 });
});

test('an error code or a cut answer is no answer', () => {
  const refused = Buffer.from(versions);
  refused.writeInt16BE(35, 4);
  assert.equal(readAnswer(refused, cluster), undefined);
  for (let length = 0; length < cluster.length - 4; length++)
    assert.equal(readAnswer(versions, cluster.subarray(0, length)), undefined, `cut at ${length}`);
});

test('only complete frames are split off', () => {
  const bytes = Buffer.concat([frame(versions), frame(cluster)]);
  assert.equal(splitFrames(bytes).length, 2);
  assert.equal(splitFrames(bytes.subarray(0, bytes.length - 1)).length, 1);
  assert.equal(splitFrames(bytes.subarray(0, 3)).length, 0);
});

test('a server that answers byte by byte is understood, one that hangs up or stays silent is not', async () => {
  const behaviours: Record<string, (socket: import('node:net').Socket) => void> = {
    drip: (socket) => {
      for (const byte of Buffer.concat([frame(versions), frame(cluster)])) socket.write(Buffer.from([byte]));
    },
    hangUp: (socket) => socket.destroy(),
    silent: () => {},
  };
  const answers: Record<string, unknown> = {};
  for (const [name, behave] of Object.entries(behaviours)) {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => behave(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    answers[name] = await probe('127.0.0.1', (server.address() as AddressInfo).port, 200);
    await new Promise((resolve) => server.close(resolve));
  }
  assert.deepEqual(answers, { drip: { brokerIds: [1, 2], controllerId: 2 }, hangUp: undefined, silent: undefined });
});
