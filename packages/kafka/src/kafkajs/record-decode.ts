import { crc32c } from '@platformatic/wasm-utils/bundled';
import { ByteReader } from './byte-reader.ts';
import { unpack } from './codecs.ts';
import type { Headers, IncomingRecord } from '../port.ts';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface DecodedRecords {
  readonly records: readonly IncomingRecord[];
  /** Where reading goes on behind them. */
  readonly nextOffset: number;
}

interface BatchHeader {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly end: number;
  readonly codec: number;
  readonly appendTime: boolean;
  readonly transactional: boolean;
  readonly control: boolean;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly count: number;
}

const BATCH_PREFIX_BYTES = 12;
const MAGIC = 2;
const CODEC_MASK = 0x07;
const APPEND_TIME_MASK = 0x08;
const TRANSACTIONAL_MASK = 0x10;
const CONTROL_MASK = 0x20;
const CONTROL_TYPE_ABORT = 0;

/** Records of one portion at the most. */
const PORTION_RECORDS = 64;

/**
 * The records at or after `fetchOffset` in what a fetch brought, a few at a time, so that the caller may do something else in
 * between: without control records and aborted transactions, and without the batch at the end that the broker cut off.
 * Nothing is yielded when there is no whole batch. Throws when a batch is damaged, or in a format or compression that we
 * cannot read; what stands before it has been yielded by then.
 */
export function* decodeBatches(
  bytes: Buffer,
  position: { readonly topic: string; readonly partition: number; readonly fetchOffset: number },
  aborted: readonly AbortedTransaction[],
): Generator<DecodedRecords, void, void> {
  let records: IncomingRecord[] = [];
  let nextOffset = position.fetchOffset;
  let toldOffset = nextOffset;
  let failure: Error | null = null;
  try {
    for (const { batch, body } of readBatches(bytes, aborted)) {
      for (let left = body === null ? 0 : batch.count; left > 0; left -= 1) {
        const record = readRecord(body as ByteReader, batch, position);
        if (record.offset < position.fetchOffset) continue;
        records.push(record);
        nextOffset = record.offset + 1;
        if (records.length < PORTION_RECORDS) continue;
        toldOffset = nextOffset;
        yield { records, nextOffset };
        records = [];
      }
      nextOffset = Math.max(nextOffset, batch.lastOffset + 1);
    }
  } catch (error) {
    failure = error as Error;
  }
  if (nextOffset > toldOffset) yield { records, nextOffset };
  if (failure !== null) throw failure;
}

/** Batch by batch; without a body those whose records count for nothing. */
function* readBatches(
  bytes: Buffer,
  aborted: readonly AbortedTransaction[],
): Generator<{ readonly batch: BatchHeader; readonly body: ByteReader | null }, void, void> {
  const reader = new ByteReader(bytes);
  const open = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  const abortedProducers = new Set<number>();
  for (let batch = readHeader(reader); batch !== undefined; batch = readHeader(reader)) {
    while (open[0] !== undefined && open[0].firstOffset <= batch.lastOffset) {
      abortedProducers.add((open.shift() as AbortedTransaction).producerId);
    }
    const body = new ByteReader(unpack(batch.codec, reader.bytes(batch.end - reader.offset)));
    if (batch.control && controlType(body) === CONTROL_TYPE_ABORT) abortedProducers.delete(batch.producerId);
    const counts = !batch.control && !(batch.transactional && abortedProducers.has(batch.producerId));
    yield { batch, body: counts ? body : null };
  }
}

function readHeader(reader: ByteReader): BatchHeader | undefined {
  if (reader.left < BATCH_PREFIX_BYTES) return undefined;
  const baseOffset = reader.int64();
  const length = reader.int32();
  if (reader.left < length) return undefined;
  const end = reader.offset + length;
  reader.int32();
  const magic = reader.int8();
  if (magic !== MAGIC) throw new RangeError(`record batches of format ${magic} (before Kafka 0.11) cannot be read`);
  const checksum = reader.int32() >>> 0;
  // The bytes are signed and sent as they stand here; neither broker nor TCP promises that they are what was written.
  if (crc32c(reader.buffer.subarray(reader.offset, end)) !== checksum) {
    throw new RangeError(`the batch at ${baseOffset} is damaged: its checksum is wrong`);
  }
  const attributes = reader.int16();
  const lastOffset = baseOffset + reader.int32();
  const baseTimestamp = reader.int64();
  const maxTimestamp = reader.int64();
  const producerId = reader.int64();
  reader.int16();
  reader.int32();
  return {
    baseOffset,
    lastOffset,
    end,
    codec: attributes & CODEC_MASK,
    appendTime: (attributes & APPEND_TIME_MASK) !== 0,
    transactional: (attributes & TRANSACTIONAL_MASK) !== 0,
    control: (attributes & CONTROL_MASK) !== 0,
    baseTimestamp,
    maxTimestamp,
    producerId,
    count: reader.int32(),
  };
}

function controlType(body: ByteReader): number {
  body.varint();
  body.int8();
  body.varint();
  body.varint();
  const key = body.varBytes();
  return key === null || key.length < 4 ? -1 : key.readInt16BE(2);
}

function readRecord(body: ByteReader, batch: BatchHeader, where: { topic: string; partition: number }): IncomingRecord {
  const length = body.varint();
  const end = body.offset + length;
  body.int8();
  const timestamp = batch.baseTimestamp + body.varint();
  const offset = batch.baseOffset + body.varint();
  const key = body.varBytes();
  const value = body.varBytes();
  const headers = readHeaders(body);
  // Lengths that contradict each other could make one record be read for ever.
  if (body.offset !== end) throw new RangeError(`record ${offset} is ${body.offset - end} bytes longer than it says`);
  return {
    topic: where.topic,
    partition: where.partition,
    offset,
    timestamp: batch.appendTime ? batch.maxTimestamp : timestamp,
    key,
    value,
    headers,
  };
}

/** Headers of a record, by name. A stranger may name one `__proto__`, or like a method: nothing is inherited. */
const HeaderMap = function () {} as unknown as new () => Record<string, Buffer | Buffer[]>;
HeaderMap.prototype = Object.freeze(Object.create(null));

function readHeaders(body: ByteReader): Headers {
  const count = body.varint();
  if (count <= 0) return {};
  const headers = new HeaderMap();
  for (let index = 0; index < count; index += 1) {
    const name = body.name();
    const value = body.varBytes() ?? Buffer.alloc(0);
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (Buffer.isBuffer(before)) headers[name] = [before, value];
    else before.push(value);
  }
  return headers;
}
