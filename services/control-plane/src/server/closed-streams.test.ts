import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { emptyClosedStreams } from './closed-streams.ts';

/** A stream of a server after its end, and how often its listeners heard of that. */
async function closedStream(): Promise<{ readonly stream: ServerHttp2Stream; readonly heard: number }> {
  let heard = 0;
  const closed = Promise.withResolvers<ServerHttp2Stream>();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.on('stream', (stream: ServerHttp2Stream) => {
    for (const _ of [1, 2]) stream.on('close', () => (heard += 1));
    stream.on('close', () => setImmediate(() => closed.resolve(stream)));
    stream.respond({ ':status': 200 }, { endStream: true });
  });
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    client.request().resume();
    return { stream: await closed.promise, heard };
  } finally {
    client.close();
    server.close();
  }
}

test('a stream that has closed names none of its listeners any more, all of which have heard of it', async () => {
  const before = await closedStream();
  assert.ok(before.stream.listenerCount('close') > 0);
  {
    using _ = emptyClosedStreams();
    const { stream, heard } = await closedStream();
    assert.equal(heard, 2);
    assert.deepEqual(stream.eventNames(), []);
  }
  const after = await closedStream();
  assert.ok(after.stream.listenerCount('close') > 0);
});
