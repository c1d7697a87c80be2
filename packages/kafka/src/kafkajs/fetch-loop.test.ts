import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '../../testing/fake-clock.ts';
import { ByteWriter } from './byte-writer.ts';
import { createFetchLoop } from './fetch-loop.ts';
import { batchBytesMax, writeRecordBatch } from './record-batch.ts';
import { stockModule } from './testing/stock-client.ts';
import type { KafkaClient } from './client.ts';
import type { FetchLoop, FetchLoopOptions } from './fetch-loop.ts';
import type { Broker, SocketEntry } from './internals.ts';
import type { Batch } from '../port.ts';

const NOT_LEADER = 6;
const UNKNOWN_TOPIC = 3;
const UNKNOWN_SESSION = 70;

/** The bytes of a fetch answer for one partition of t: an error, or one record. */
const answer = (errorCode: number, partition = 0): Buffer =>
  answerOf([{ partition, errorCode, count: errorCode === 0 ? 1 : 0 }]);

/** Of one partition of t, in the answer to a fetch. `bytes`: of each record. */
interface AnswerPart {
  readonly partition: number;
  readonly errorCode?: number;
  readonly count: number;
  readonly bytes?: number;
}

/** The bytes of a fetch answer for partitions of t, each with so many records. */
function answerOf(parts: readonly AnswerPart[], { session = 0, error = 0 } = {}) {
  const recordsOf = ({ partition, count, bytes = 1 }: AnswerPart) =>
    Array.from({ length: count }, () => ({ topic: 't', partition, key: null, value: Buffer.alloc(bytes) }));
  const size = parts.reduce((sum, part) => sum + 100 + batchBytesMax(recordsOf(part)), 100);
  const writer = new ByteWriter(size);
  writer.int32(0);
  writer.int16(error);
  writer.int32(session);
  writer.int32(1);
  writer.string('t');
  writer.int32(parts.length);
  for (const part of parts) {
    const { partition, errorCode = 0, count } = part;
    writer.int32(partition);
    writer.int16(errorCode);
    for (const offset of [1, 1, 0]) writer.int64(offset);
    writer.int32(0);
    writer.int32(-1);
    const lengthAt = writer.offset;
    writer.int32(0);
    if (count > 0) writeRecordBatch(writer, recordsOf(part), 0);
    writer.buffer.writeInt32BE(writer.offset - lengthAt - 4, lengthAt);
  }
  return writer.buffer.subarray(0, writer.offset);
}

/** A client whose only broker gives these answers, one per fetch; then it never answers again. */
function scripted(errorCodes: number[]) {
  return served((turn) => {
    const errorCode = errorCodes[turn];
    return errorCode === undefined ? undefined : answer(errorCode);
  });
}

/** A client whose only broker answers the n-th fetch with what `serve` makes of it. `requests` are the fetches sent. */
function served(serve: (turn: number) => Buffer | Error | undefined) {
  const refreshedAt: number[] = [];
  const requests: Buffer[] = [];
  const clock = createFakeClock();
  const connection = {
    clientId: 'c',
    authenticate: async () => undefined,
    failIfNotConnected: () => undefined,
    nextCorrelationId: () => 1,
    socket: { write: (bytes: Buffer) => requests.push(bytes) },
    requestQueue: {
      maybeThrottle: () => undefined,
      push({ entry, sendRequest }: { entry: SocketEntry; sendRequest(): void }) {
        sendRequest();
        const payload = serve(requests.length - 1);
        if (payload instanceof Error) clock.after(1, () => entry.reject(payload));
        else if (payload !== undefined) clock.after(1, () => entry.resolve({ payload }));
      },
    },
  };
  const pool = { pool: [connection, connection, connection], getConnection: async () => connection };
  const client = {
    leaderOf: () => 1,
    broker: async () => ({ connectionPool: pool }) as unknown as Broker,
    refresh: async () => void refreshedAt.push(clock.monotonic()),
  };
  return { clock, refreshedAt, requests, client: client as unknown as KafkaClient };
}

/** A loop to which nothing happens but what the test names. */
function openLoop(options: Pick<FetchLoopOptions, 'client' | 'clock'> & Partial<FetchLoopOptions>): FetchLoop {
  const never = () => assert.fail();
  const rest = { maxWaitMs: 100, maxBytesPerPartition: 1_000, onBatch: never, onOutOfRange: never, onTrouble: never };
  return createFetchLoop({ ...rest, ...options });
}

test('stock: each answer of stale metadata makes the member join anew; here it costs a look-up, ever further apart', async () => {
  const ConsumerGroup = stockModule<{ prototype: { recoverFromFetch(this: object, error: object): Promise<void> } }>(
    'consumer/consumerGroup.js',
  );
  let joins = 0;
  const stock = {
    logger: { debug: () => undefined },
    cluster: { refreshMetadata: async () => undefined },
    joinAndSync: async () => (joins += 1),
  };
  for (let turn = 0; turn < 5; turn += 1) {
    await ConsumerGroup.prototype.recoverFromFetch.call(stock, { type: 'NOT_LEADER_FOR_PARTITION', message: '' });
  }
  assert.equal(joins, 5);

  const { clock, client, refreshedAt } = scripted([NOT_LEADER, UNKNOWN_TOPIC, NOT_LEADER, NOT_LEADER, NOT_LEADER, 0]);
  const batches: Batch[] = [];
  const loop = openLoop({
    client,
    clock,
    onBatch: (batch) => void batches.push(batch),
    onTrouble: () => undefined,
  });
  loop.start('t', 0, 0);
  await clock.advanceUntil(() => batches.length === 1, 'the record');
  assert.equal(refreshedAt.length, 5);
  const gaps = refreshedAt.slice(1).map((at, index) => at - (refreshedAt[index] ?? 0));
  assert.ok(
    gaps.every((gap) => gap >= 100),
    gaps.join(),
  );
  assert.deepEqual(
    gaps,
    gaps.toSorted((a, b) => a - b),
  );
  assert.equal(loop.position('t', 0), 1);
});

test('an answer to a question from before a seek, a stop or a close is dropped', async () => {
  for (const meanwhile of ['seek', 'stop', 'close'] as const) {
    const { clock, client } = scripted([0]);
    const loop = openLoop({
      client,
      clock,
      onBatch: () => assert.fail(meanwhile),
    });
    loop.start('t', 0, 0);
    await clock.runUntilIdle();
    if (meanwhile === 'seek') loop.start('t', 0, 7);
    else if (meanwhile === 'stop') loop.stop('t', 0);
    else loop.close();
    await clock.advance(10);
  }
});

test('a partition that goes on failing is asked for ever more seldom, however well the others are read', async () => {
  // Each odd answer is about the healthy partition, each even one about the other.
  const { clock, client, refreshedAt } = served((turn) => answer(turn % 2 === 0 ? UNKNOWN_TOPIC : 0, turn % 2));
  const troubles: Error[] = [];
  const loop = openLoop({
    client,
    clock,
    onBatch: ({ partition, nextOffset }) => loop.start('t', partition, nextOffset - 1),
    onTrouble: (error) => void troubles.push(error),
  });
  loop.start('t', 0, 0);
  loop.start('t', 1, 0);
  await clock.advance(10_000);
  loop.close();
  assert.ok(troubles.length >= 5 && troubles.length <= 20, `${troubles.length} troubles in 10 s`);
  assert.ok(refreshedAt.length <= 20, `${refreshedAt.length} look-ups in 10 s`);
});

test('partitions are asked for in turn, not topic by topic: a busy topic cannot keep another from being read', async () => {
  const { clock, client, requests } = served(() => undefined);
  const loop = openLoop({
    client,
    clock,
  });
  for (const [topic, partition] of [
    ['idle', 0],
    ['live', 0],
    ['idle', 1],
  ] as const)
    loop.start(topic, partition, 0);
  await clock.runUntilIdle();
  const [request = Buffer.alloc(0)] = requests;
  const first = request.indexOf('idle');
  assert.ok(first < request.indexOf('live') && request.indexOf('live') < request.indexOf('idle', first + 1));
  loop.close();
});

test('the records of a large answer are handed over in portions, between which everything else has its turn', async () => {
  const total = 100_000;
  const { clock, client } = served((turn) => (turn === 0 ? answerOf([{ partition: 0, count: total }]) : undefined));
  let turns = 0;
  let next = 0;
  const count = (): void => {
    turns += 1;
    if (next < total) setImmediate(count);
  };
  const read = Promise.withResolvers<void>();
  const loop = openLoop({
    client,
    clock,
    onBatch({ records, nextOffset }) {
      assert.deepEqual([records[0]?.offset, next + records.length], [next, nextOffset]);
      if (next === 0) setImmediate(count);
      next = nextOffset;
      if (next === total) read.resolve();
    },
    onTrouble: (error) => read.reject(error),
  });
  loop.start('t', 0, 0);
  await clock.runUntilIdle();
  await clock.advance(1);
  await read.promise;
  assert.ok(turns >= 3, `${turns} turns`);
  loop.close();
});

test('what is stopped or sought in the middle of an answer gets nothing more of it', async () => {
  for (const meanwhile of ['seek', 'stop', 'close'] as const) {
    const parts = [
      { partition: 0, count: 1_000 },
      { partition: 1, count: 1 },
    ];
    const { clock, client, requests } = served((turn) => (turn === 0 ? answerOf(parts) : undefined));
    const batches: Batch[] = [];
    const loop = openLoop({
      client,
      clock,
      onBatch(batch) {
        batches.push(batch);
        if (batch.partition === 1) return;
        if (meanwhile === 'seek') loop.start('t', 0, 7);
        else if (meanwhile === 'stop') loop.stop('t', 0);
        else loop.close();
      },
    });
    loop.start('t', 0, 0);
    loop.start('t', 1, 0);
    await clock.runUntilIdle();
    // As long as the next request waits for more to come.
    await clock.advance(10);
    assert.deepEqual(
      batches.map(({ partition }) => partition),
      meanwhile === 'close' ? [0] : [0, 1],
    );
    assert.equal(loop.position('t', 0), { seek: 7, stop: batches[0]?.nextOffset, close: undefined }[meanwhile]);
    assert.equal(requests.length, meanwhile === 'close' ? 1 : 2);
    loop.close();
  }
});

test('a partition that moves to another leader in the middle of an answer is read on from there, and nothing twice', async () => {
  const total = 100_000;
  const { clock, client, requests } = served((turn) =>
    turn < 2 ? answerOf([{ partition: 0, count: total }]) : undefined,
  );
  let leader = 1;
  let next = 0;
  const wrong: string[] = [];
  const read = Promise.withResolvers<void>();
  const loop = openLoop({
    client: { ...client, leaderOf: () => leader },
    clock,
    onBatch({ records, nextOffset }) {
      if (records[0]?.offset !== next) wrong.push(`${records[0]?.offset} after ${next}`);
      next = nextOffset;
      if (next === total) read.resolve();
      if (leader === 2) return;
      leader = 2;
      loop.start('t', 1, 0);
    },
    onTrouble: (error) => read.reject(error),
  });
  loop.start('t', 0, 0);
  await clock.runUntilIdle();
  await clock.advance(1);
  assert.ok(requests.length === 2 && next < total);
  await clock.advance(1);
  await read.promise;
  loop.close();
  assert.deepEqual(wrong, []);
});

test('requests that move many records begin three milliseconds apart; after few, or very many bytes, the next follows at once', async () => {
  const cases = [
    [{ partition: 0, count: 200 }, 33],
    [{ partition: 0, count: 4 }, 100],
    [{ partition: 0, count: 20, bytes: 16_384 }, 100],
  ] as const;
  for (const [part, expected] of cases) {
    const payload = answerOf([part]);
    const { clock, client, requests } = served(() => payload);
    const loop = openLoop({
      client,
      clock,
      // Each answer is the same one: it is asked for again.
      onBatch: () => loop.start('t', 0, 0),
    });
    loop.start('t', 0, 0);
    for (let ms = 0; ms < 100; ms += 1) await clock.advance(1);
    const { length } = requests;
    assert.ok(Math.abs(length - expected) <= 2, `${length} requests for ${JSON.stringify(part)}`);
    loop.close();
    await clock.advance(100);
    assert.equal(requests.length, length);
  }
});

/** Session, number in it, and how many topics are named, of a request by client `c`. */
const sessionOf = (request: Buffer) => [32, 36, 40].map((at) => request.readInt32BE(at));

test('a broker that knows a session no more is asked for everything at once, and nobody is troubled', async () => {
  const script = [
    answerOf([{ partition: 0, count: 1 }], { session: 5 }),
    answerOf([], { session: 5 }),
    answerOf([], { error: UNKNOWN_SESSION }),
    answerOf([{ partition: 1, count: 1 }], { session: 6 }),
  ];
  const { clock, client, requests } = served((turn) => script[turn]);
  const read: string[] = [];
  const loop = openLoop({
    client,
    clock,
    onBatch: ({ partition, nextOffset }) => void read.push(`${partition} to ${nextOffset}`),
  });
  loop.start('t', 0, 0);
  loop.start('t', 1, 0);
  await clock.advance(10);
  assert.deepEqual(requests.map(sessionOf), [
    [0, 0, 1],
    [5, 1, 1],
    [5, 2, 0],
    [5, 0, 1],
    [6, 1, 1],
  ]);
  assert.deepEqual(read, ['0 to 1', '1 to 1']);
  loop.close();
});

test('after a request without an answer the broker is asked for everything, and forgets the session', async () => {
  const script = [answerOf([], { session: 5 }), new Error('the connection was lost'), answerOf([], { session: 6 })];
  const { clock, client, requests } = served((turn) => script[turn]);
  const troubles: string[] = [];
  const loop = openLoop({ client, clock, onTrouble: ({ message }) => void troubles.push(message) });
  loop.start('t', 0, 0);
  loop.start('t', 1, 0);
  await clock.advance(10);
  assert.deepEqual(requests.map(sessionOf), [
    [0, 0, 1],
    [5, 1, 0],
    [5, 0, 1],
    [6, 1, 0],
  ]);
  assert.deepEqual(troubles, ['the connection was lost']);
  loop.close();
});

test('a partition that is refused in a session is asked for again by its new leader, and the old one forgets it', async () => {
  const { clock, client, requests } = served((turn) =>
    turn === 0 ? answerOf([{ partition: 0, errorCode: NOT_LEADER, count: 0 }], { session: 5 }) : undefined,
  );
  let refreshed = false;
  const asked: number[] = [];
  const loop = openLoop({
    client: {
      ...client,
      leaderOf: (_topic, partition) => (refreshed && partition === 0 ? 2 : 1),
      broker: (leader) => (asked.push(leader), client.broker(leader)),
      async refresh(topics) {
        refreshed = true;
        return client.refresh(topics);
      },
    },
    clock,
    onTrouble: () => undefined,
  });
  loop.start('t', 0, 0);
  loop.start('t', 1, 0);
  await clock.advance(10);
  assert.deepEqual(asked, [1, 1, 2]);
  assert.deepEqual(requests.slice(1).map(sessionOf), [
    [5, 1, 0],
    [0, -1, 1],
  ]);
  // Of one topic, t, one partition, 0, is forgotten; then comes an empty rack.
  assert.equal(requests[1]?.toString('hex', 44), '0000000100017400000001000000000000');
  loop.close();
});
