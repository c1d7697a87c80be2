import { limits } from '@postrider/core';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { sendFrame } from './send-frame.ts';
import type { Broker } from './internals.ts';
import type { AbortedTransaction } from './record-decode.ts';

/** https://kafka.apache.org/protocol#The_Messages_Fetch, version 11, without fetch sessions. */
const API_KEY = 1;
const API_VERSION = 11;
const READ_COMMITTED = 1;
const NO_SESSION_EPOCH = -1;
/** A broker that is alive answers within the wait it was asked for and little more. */
const ANSWER_MARGIN_MS = 10_000;

export interface FetchPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Record batches, the last one perhaps cut off. */
  readonly bytes: Buffer;
}

interface FetchAsked {
  readonly maxWaitMs: number;
  readonly maxBytesPerPartition: number;
}

/** Asks one broker for what stands at these positions, waiting there up to `maxWaitMs` for anything to come. */
export async function fetch(
  broker: Broker,
  positions: readonly FetchPosition[],
  asked: FetchAsked,
): Promise<readonly FetchedPartition[]> {
  const payload = await sendFrame(broker, {
    apiKey: API_KEY,
    apiVersion: API_VERSION,
    apiName: 'Fetch',
    connection: 1,
    timeoutMs: asked.maxWaitMs + ANSWER_MARGIN_MS,
    encode: (correlationId, clientId) => encodeFetch(positions, asked, correlationId, clientId),
  });
  const reader = new ByteReader(payload ?? Buffer.alloc(0));
  broker.connectionPool.pool[1]?.requestQueue.maybeThrottle(reader.int32());
  const errorCode = reader.int16();
  reader.int32();
  if (errorCode !== 0) throw new Error(`the broker answered a fetch with error ${errorCode}`);
  return decodeFetch(reader);
}

function encodeFetch(
  positions: readonly FetchPosition[],
  asked: FetchAsked,
  correlationId: number,
  clientId: string,
): Buffer {
  const runs = runsOfTopics(positions);
  let size = 128 + 3 * clientId.length + 28 * positions.length;
  for (const { topic } of runs) size += 8 + 3 * topic.length;
  const writer = new ByteWriter(size);
  writer.int32(0);
  writer.int16(API_KEY);
  writer.int16(API_VERSION);
  writer.int32(correlationId);
  writer.string(clientId);
  writer.int32(-1);
  writer.int32(asked.maxWaitMs);
  writer.int32(1);
  // The first batch comes whole whatever its size.
  writer.int32(limits.fetchBytesMax);
  writer.int8(READ_COMMITTED);
  writer.int32(0);
  writer.int32(NO_SESSION_EPOCH);
  writer.int32(runs.length);
  for (const { topic, partitions } of runs) {
    writer.string(topic);
    writer.int32(partitions.length);
    for (const { partition, offset } of partitions) {
      writer.int32(partition);
      writer.int32(-1);
      writer.int64(offset);
      writer.int64(-1);
      writer.int32(asked.maxBytesPerPartition);
    }
  }
  writer.int32(0);
  writer.string('');
  writer.buffer.writeInt32BE(writer.offset - 4, 0);
  return writer.buffer.subarray(0, writer.offset);
}

/**
 * Neighbours of one topic together, in the order given: a broker fills its answer from the first on, so all partitions of a
 * topic in one place would let a busy topic keep the others from ever being read.
 */
function runsOfTopics(positions: readonly FetchPosition[]): { topic: string; partitions: FetchPosition[] }[] {
  const runs: { topic: string; partitions: FetchPosition[] }[] = [];
  for (const position of positions) {
    const last = runs.at(-1);
    if (last?.topic === position.topic) last.partitions.push(position);
    else runs.push({ topic: position.topic, partitions: [position] });
  }
  return runs;
}

function decodeFetch(reader: ByteReader): FetchedPartition[] {
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
