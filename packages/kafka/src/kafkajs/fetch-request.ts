import { limits } from '@postrider/core';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { sendFrame } from './send-frame.ts';
import type { FetchAsk } from './fetch-session.ts';
import type { Broker } from './internals.ts';
import type { AbortedTransaction } from './record-decode.ts';
import type { TopicPartition } from '../port.ts';

/** https://kafka.apache.org/protocol#The_Messages_Fetch, version 11. */
const API_KEY = 1;
const API_VERSION = 11;
const READ_COMMITTED = 1;
/** A broker that is alive answers within the wait it was asked for and little more. */
const ANSWER_MARGIN_MS = 10_000;

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Record batches, the last one perhaps cut off. */
  readonly bytes: Buffer;
}

/** What a broker says to a request as a whole, and of its partitions: in a session of those only that have news. */
export interface FetchAnswer {
  readonly errorCode: number;
  /** 0: none. */
  readonly sessionId: number;
  readonly partitions: readonly FetchedPartition[];
}

interface FetchTerms {
  readonly maxWaitMs: number;
  readonly maxBytesPerPartition: number;
  /** As `Frame.connection`. */
  readonly connection: 1 | 2;
}

/** Asks one broker for what stands at these positions, waiting there up to `maxWaitMs` for anything to come. */
export async function fetch(broker: Broker, ask: FetchAsk, terms: FetchTerms): Promise<FetchAnswer> {
  const payload = await sendFrame(broker, {
    apiKey: API_KEY,
    apiVersion: API_VERSION,
    apiName: 'Fetch',
    connection: terms.connection,
    timeoutMs: terms.maxWaitMs + ANSWER_MARGIN_MS,
    encode: (correlationId, clientId) => encodeFetch(ask, terms, correlationId, clientId),
  });
  const reader = new ByteReader(payload ?? Buffer.alloc(0));
  broker.connectionPool.pool[terms.connection]?.requestQueue.maybeThrottle(reader.int32());
  return { errorCode: reader.int16(), sessionId: reader.int32(), partitions: decodePartitions(reader) };
}

function encodeFetch(
  { sessionId, epoch, positions, forgotten }: FetchAsk,
  { maxWaitMs, maxBytesPerPartition }: FetchTerms,
  correlationId: number,
  clientId: string,
): Buffer {
  const runs = runsOfTopics(positions);
  const forgottenRuns = runsOfTopics(forgotten);
  let size = 128 + 3 * clientId.length + 28 * positions.length + 4 * forgotten.length;
  for (const { topic } of [...runs, ...forgottenRuns]) size += 8 + 3 * topic.length;
  const writer = new ByteWriter(size);
  writer.int32(0);
  writer.int16(API_KEY);
  writer.int16(API_VERSION);
  writer.int32(correlationId);
  writer.string(clientId);
  writer.int32(-1);
  writer.int32(maxWaitMs);
  writer.int32(1);
  // The first batch comes whole whatever its size.
  writer.int32(limits.fetchBytesMax);
  writer.int8(READ_COMMITTED);
  writer.int32(sessionId);
  writer.int32(epoch);
  writer.int32(runs.length);
  for (const { topic, partitions } of runs) {
    writer.string(topic);
    writer.int32(partitions.length);
    for (const { partition, offset } of partitions) {
      writer.int32(partition);
      writer.int32(-1);
      writer.int64(offset);
      writer.int64(-1);
      writer.int32(maxBytesPerPartition);
    }
  }
  writer.int32(forgottenRuns.length);
  for (const { topic, partitions } of forgottenRuns) {
    writer.string(topic);
    writer.int32(partitions.length);
    for (const { partition } of partitions) writer.int32(partition);
  }
  writer.string('');
  writer.buffer.writeInt32BE(writer.offset - 4, 0);
  return writer.buffer.subarray(0, writer.offset);
}

/**
 * Neighbours of one topic together, in the order given: a broker fills its answer from the first on, so all partitions of a
 * topic in one place would let a busy topic keep the others from ever being read.
 */
function runsOfTopics<P extends TopicPartition>(wanted: readonly P[]): { topic: string; partitions: P[] }[] {
  const runs: { topic: string; partitions: P[] }[] = [];
  for (const one of wanted) {
    const last = runs.at(-1);
    if (last?.topic === one.topic) last.partitions.push(one);
    else runs.push({ topic: one.topic, partitions: [one] });
  }
  return runs;
}

function decodePartitions(reader: ByteReader): FetchedPartition[] {
  const answers: FetchedPartition[] = [];
  for (let topics = reader.int32(); topics > 0; topics -= 1) {
    const topic = reader.string();
    for (let partitions = reader.int32(); partitions > 0; partitions -= 1) answers.push(decodePartition(reader, topic));
  }
  return answers;
}

function decodePartition(reader: ByteReader, topic: string): FetchedPartition {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  // Last stable offset and log start offset.
  reader.int64();
  reader.int64();
  const aborted: AbortedTransaction[] = [];
  for (let count = reader.int32(); count > 0; count -= 1) {
    aborted.push({ producerId: reader.int64(), firstOffset: reader.int64() });
  }
  reader.int32();
  const bytes = reader.bytes(Math.max(0, reader.int32()));
  return { topic, partition, errorCode, highWatermark, aborted, bytes };
}
