import { batchBytesMax, writeRecordBatch } from '../record-batch.ts';
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import type { Clock } from '@postrider/core';
import type { Broker, SocketEntry } from '../internals.ts';

const FETCH_SESSION_ID_NOT_FOUND = 70;
const INVALID_FETCH_SESSION_EPOCH = 71;
const ROUND_TRIP_MS = 1;

interface Request {
  readonly maxWaitMs: number;
  readonly sessionId: number;
  readonly epoch: number;
  readonly positions: ReadonlyMap<number, number>;
  readonly forgotten: readonly number[];
}

interface Waiting {
  readonly connection: number;
  /** Answers if there is anything to tell, or when it is over. */
  look(isOver: boolean): void;
}

/**
 * A broker of one topic, `t`, as a fetch sees it: byte by byte, with sessions after KIP-227 and requests that wait for
 * records; requests of one connection one after the other. Records are their own offsets.
 */
export interface FetchBroker {
  readonly broker: Broker;
  /** One record to each of these partitions, all at the same time. */
  append(partitions: readonly number[]): void;
  /** Forgets every session, as a restart does. */
  restart(): void;
  /** The requests that wait fail, whether they were heard or not. */
  cut(): void;
  /** Each request: over which connection, and how many partitions the broker looks at for it. */
  readonly asked: readonly { readonly connection: number; readonly partitions: number }[];
}

/** A broker whose partitions are empty. */
export function createFetchBroker(clock: Clock): FetchBroker {
  const ends = new Map<number, number>();
  const sessions = new Sessions();
  const waiting = new Set<Waiting>();
  const failing = new Set<() => void>();
  const asked: { connection: number; partitions: number }[] = [];

  function serve(request: Request, connection: number, answer: (payload: Buffer) => void): void {
    const context = sessions.contextOf(request);
    if (typeof context === 'number') return answer(answerOf(context, 0, []));
    asked.push({ connection, partitions: context.positions.size });
    const one: Waiting = {
      connection,
      look(isOver) {
        const found = [...context.positions].flatMap(([partition, from]) => {
          const count = (ends.get(partition) ?? 0) - from;
          return count > 0 ? [{ partition, from, count }] : [];
        });
        if (found.length === 0 && !isOver) return;
        waiting.delete(one);
        answer(answerOf(0, context.id, found));
      },
    };
    waiting.add(one);
    one.look(false);
    clock.after(request.maxWaitMs, () => waiting.has(one) && one.look(true));
  }

  const pool = [0, 1, 2].map((number) =>
    connectionOf(clock, failing, (request, answer) => serve(request, number, answer)),
  );
  const connectionPool = { pool, getConnection: async (index: number) => pool[index] };
  return {
    broker: { connectionPool } as unknown as Broker,
    asked,
    append(partitions) {
      for (const partition of partitions) ends.set(partition, (ends.get(partition) ?? 0) + 1);
      for (const one of waiting) one.look(false);
    },
    restart: () => sessions.forget(),
    cut() {
      for (const fail of failing) fail();
    },
  };
}

/** One of kafkajs, as far as a fetch touches it. */
function connectionOf(
  clock: Clock,
  failing: Set<() => void>,
  serve: (request: Request, answer: (payload: Buffer) => void) => void,
) {
  let send: (bytes: Buffer) => void = () => undefined;
  return {
    clientId: 'c',
    authenticate: async () => undefined,
    failIfNotConnected: () => undefined,
    nextCorrelationId: () => 1,
    requestQueue: {
      maybeThrottle: () => undefined,
      push({ entry, sendRequest }: { entry: SocketEntry; sendRequest(): void }) {
        let isOpen = true;
        const fail = () => {
          isOpen = false;
          failing.delete(fail);
          entry.reject(new Error('the connection was lost'));
        };
        failing.add(fail);
        send = (bytes) =>
          clock.after(ROUND_TRIP_MS, () =>
            serve(readRequest(bytes), (payload) => {
              clock.after(ROUND_TRIP_MS, () => {
                if (!isOpen) return;
                failing.delete(fail);
                entry.resolve({ payload });
              });
            }),
          );
        sendRequest();
      },
    },
    socket: { write: (bytes: Buffer) => send(bytes) },
  };
}

class Sessions {
  readonly #known = new Map<number, { epoch: number; readonly positions: Map<number, number> }>();
  #last = 0;

  /** The partitions to look at and the session's id, or an error code. */
  contextOf({ sessionId, epoch, positions, forgotten }: Request) {
    if (epoch <= 0) {
      this.#known.delete(sessionId);
      if (epoch < 0) return { id: 0, positions };
      this.#last += 1;
      this.#known.set(this.#last, { epoch: 1, positions: new Map(positions) });
      return { id: this.#last, positions };
    }
    const session = this.#known.get(sessionId);
    if (session === undefined) return FETCH_SESSION_ID_NOT_FOUND;
    if (session.epoch !== epoch) return INVALID_FETCH_SESSION_EPOCH;
    session.epoch += 1;
    for (const partition of forgotten) session.positions.delete(partition);
    for (const [partition, offset] of positions) session.positions.set(partition, offset);
    return { id: sessionId, positions: session.positions };
  }

  forget(): void {
    this.#known.clear();
  }
}

function readRequest(bytes: Buffer): Request {
  const reader = new ByteReader(bytes, 12);
  reader.string();
  reader.int32();
  const maxWaitMs = reader.int32();
  reader.bytes(9);
  const sessionId = reader.int32();
  const epoch = reader.int32();
  const positions = new Map<number, number>();
  each(reader, () => {
    reader.string();
    each(reader, () => {
      const partition = reader.int32();
      reader.int32();
      positions.set(partition, reader.int64());
      reader.int64();
      reader.int32();
    });
  });
  const forgotten: number[] = [];
  each(reader, () => {
    reader.string();
    each(reader, () => forgotten.push(reader.int32()));
  });
  return { maxWaitMs, sessionId, epoch, positions, forgotten };
}

function each(reader: ByteReader, read: () => void): void {
  for (let count = reader.int32(); count > 0; count -= 1) read();
}

interface Found {
  readonly partition: number;
  readonly from: number;
  readonly count: number;
}

function answerOf(errorCode: number, sessionId: number, found: readonly Found[]): Buffer {
  const recordsOf = ({ partition, count }: Found) =>
    Array.from({ length: count }, () => ({ topic: 't', partition, key: null, value: null }));
  const writer = new ByteWriter(found.reduce((sum, one) => sum + 100 + batchBytesMax(recordsOf(one)), 100));
  writer.int32(0);
  writer.int16(errorCode);
  writer.int32(sessionId);
  writer.int32(found.length);
  for (const one of found) {
    writer.string('t');
    writer.int32(1);
    writer.int32(one.partition);
    writer.int16(0);
    for (let offsets = 0; offsets < 3; offsets += 1) writer.int64(one.from + one.count);
    writer.int32(0);
    writer.int32(-1);
    const lengthAt = writer.offset;
    writer.int32(0);
    writeRecordBatch(writer, recordsOf(one), 0);
    // A batch is written with the offset 0 at its front; its checksum begins behind it.
    writer.buffer.writeBigInt64BE(BigInt(one.from), lengthAt + 4);
    writer.buffer.writeInt32BE(writer.offset - lengthAt - 4, lengthAt);
  }
  return writer.buffer.subarray(0, writer.offset);
}
