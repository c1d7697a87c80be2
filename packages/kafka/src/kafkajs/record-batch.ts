import { crc32c } from '@platformatic/wasm-utils/bundled';
import { varintSize } from './byte-writer.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { OutgoingRecord } from '../port.ts';

/**
 * Writes record batches (magic 2, https://kafka.apache.org/documentation/#recordbatch) in one pass over one buffer, with the
 * checksum in WebAssembly: kafkajs spends two thirds of a producer's time on zeroed buffers and a checksum in JavaScript.
 */
const MAGIC = 2;
const BATCH_HEADER_BYTES = 61;
/** Varint lengths and deltas of a record or a header, at their longest. */
const RECORD_OVERHEAD_BYTES = 32;

/** No fewer bytes than a batch of these records takes. */
export function batchBytesMax(records: readonly OutgoingRecord[]): number {
  let bytes = BATCH_HEADER_BYTES;
  for (const { key, value, headers } of records) {
    bytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
    for (const name in headers) {
      const values = headers[name];
      // A UTF-16 unit is at most three bytes of UTF-8.
      if (Buffer.isBuffer(values)) bytes += 10 + 3 * name.length + values.length;
      else for (const one of values ?? []) bytes += 10 + 3 * name.length + one.length;
    }
  }
  return bytes;
}

/** Whose batch it is, for brokers that refuse what is not the newest writer's, and what they have stored already. */
export interface BatchWriter {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Number of the first record among all that this writer has written to the partition. */
  readonly sequence: number;
}

const TRANSACTIONAL = 0x10;

/** Writes one batch, as part of a transaction when it has a writer; all records get the timestamp `now` (ms), which a topic with LogAppendTime replaces. */
export function writeRecordBatch(
  writer: ByteWriter,
  records: readonly OutgoingRecord[],
  now: number,
  by?: BatchWriter,
): void {
  const start = writer.offset;
  writer.int64(0);
  writer.int32(0);
  writer.int32(-1);
  writer.int8(MAGIC);
  writer.int32(0);
  const checkedFrom = writer.offset;
  writer.int16(by === undefined ? 0 : TRANSACTIONAL);
  writer.int32(records.length - 1);
  writer.int64(now);
  writer.int64(now);
  // Outside of transactions none: see the port on why idempotence is not used.
  writer.int64(by?.producerId ?? -1);
  writer.int16(by?.producerEpoch ?? -1);
  writer.int32(by?.sequence ?? -1);
  writer.int32(records.length);
  records.forEach((record, index) => writeRecord(writer, record, index));
  const { buffer, offset } = writer;
  buffer.writeInt32BE(offset - start - 12, start + 8);
  buffer.writeUInt32BE(crc32c(buffer.subarray(checkedFrom, offset)), checkedFrom - 4);
}

function writeRecord(writer: ByteWriter, { key, value, headers = {} }: OutgoingRecord, offsetDelta: number): void {
  let count = 0;
  let size = 2 + varintSize(offsetDelta) + nullableSize(key) + nullableSize(value);
  for (const name in headers) {
    const values = headers[name];
    const nameBytes = Buffer.byteLength(name);
    for (const one of Buffer.isBuffer(values) ? [values] : (values ?? [])) {
      size += varintSize(nameBytes) + nameBytes + varintSize(one.length) + one.length;
      count += 1;
    }
  }
  writer.varint(size + varintSize(count));
  writer.int8(0);
  writer.varint(0);
  writer.varint(offsetDelta);
  writer.varBytes(key);
  writer.varBytes(value);
  writer.varint(count);
  for (const name in headers) {
    const values = headers[name];
    for (const one of Buffer.isBuffer(values) ? [values] : (values ?? [])) {
      writer.varint(Buffer.byteLength(name));
      writer.offset += writer.buffer.write(name, writer.offset, 'utf8');
      writer.varBytes(one);
    }
  }
}

function nullableSize(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}
