import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { mock, test } from 'node:test';
import { createClient } from './client.ts';
import type { AddressInfo, Socket } from 'node:net';

const API_VERSIONS = 18;
const METADATA = 3;

/** A broker that says which requests it knows, and then nothing. `asked` are the requests it was sent. */
async function silentBroker() {
  const asked: number[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.on('data', (data: Buffer) => {
      const apiKey = data.readInt16BE(4);
      const correlationId = data.readInt32BE(8);
      if (apiKey === API_VERSIONS) return void socket.write(apiVersions(correlationId));
      asked.push(apiKey);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}

function apiVersions(correlationId: number): Buffer {
  const keys = [API_VERSIONS, METADATA];
  const answer = Buffer.alloc(4 + 4 + 2 + 4 + keys.length * 6 + 4);
  answer.writeInt32BE(answer.length - 4, 0);
  answer.writeInt32BE(correlationId, 4);
  answer.writeInt32BE(keys.length, 10);
  keys.forEach((key, index) => {
    answer.writeInt16BE(key, 14 + index * 6);
    answer.writeInt16BE(1, 18 + index * 6);
  });
  return answer;
}

test('a connection on which an answer is overdue is closed, and the next question goes over a new one', async () => {
  await using broker = await silentBroker();
  mock.timers.enable({ apis: ['setInterval', 'Date'] });
  const client = createClient({ brokers: [broker.address] }, 'c');
  try {
    for (const connections of [1, 2]) {
      const asking = assert.rejects(client.refresh(['t']), { name: 'KafkaJSRequestTimeoutError' });
      while (broker.asked.length < connections) await new Promise(setImmediate);
      mock.timers.tick(20_000);
      await asking;
      assert.equal(broker.sockets.size, connections);
    }
  } finally {
    client.destroy();
    mock.timers.reset();
  }
});
