import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { crc32c } from '@platformatic/wasm-utils/bundled';
import { compressFrameSync } from 'lz4-napi';
import { compress } from 'snappyjs';
import { ByteWriter } from './byte-writer.ts';
import { batchBytesMax, writeRecordBatch } from './record-batch.ts';
import { decodeAll } from './testing/decode-all.ts';

const values = Array.from({ length: 50 }, (_, index) => `value ${index} `.repeat(20));
const RECORDS_AT = 61;
const ATTRIBUTES_AT = 21;

/** A batch as a producer with this compression sends it. */
function batch(codec: number, pack: (records: Buffer) => Buffer): Buffer {
  const records = values.map((value) => ({ topic: 't', partition: 0, key: null, value: Buffer.from(value) }));
  const writer = new ByteWriter(batchBytesMax(records));
  writeRecordBatch(writer, records, 0);
  const plain = writer.buffer.subarray(0, writer.offset);
  const packed = Buffer.concat([plain.subarray(0, RECORDS_AT), pack(plain.subarray(RECORDS_AT))]);
  packed.writeInt32BE(packed.length - 12, 8);
  packed.writeInt16BE(codec, ATTRIBUTES_AT);
  packed.writeUInt32BE(crc32c(packed.subarray(ATTRIBUTES_AT)), ATTRIBUTES_AT - 4);
  return packed;
}

const xerial = (records: Buffer): Buffer => {
  const half = Math.floor(records.length / 2);
  const blocks = [records.subarray(0, half), records.subarray(half)].map((block) => {
    const packed = Buffer.from(compress(block));
    const length = Buffer.alloc(4);
    length.writeInt32BE(packed.length);
    return Buffer.concat([length, packed]);
  });
  return Buffer.concat([Buffer.from('82534e4150505900', 'hex'), Buffer.from('0000000100000001', 'hex'), ...blocks]);
};

const codecs: [string, number, (records: Buffer) => Buffer][] = [
  ['no compression', 0, (records) => records],
  ['gzip', 1, (records) => gzipSync(records)],
  ['snappy', 2, (records) => Buffer.from(compress(records))],
  ['snappy in the blocks of Java producers', 2, xerial],
  ['lz4', 3, (records) => compressFrameSync(records)],
  ['zstd', 4, (records) => zstdCompressSync(records)],
];
for (const [name, codec, pack] of codecs) {
  test(`batches with ${name} are readable`, () => {
    const { records } = decodeAll(batch(codec, pack), { topic: 't', partition: 0, fetchOffset: 0 }, []);
    assert.deepEqual(
      records.map(({ value }) => String(value)),
      values,
    );
  });
}

test('an unknown compression is an error that names it', () => {
  const unknown = batch(5, (records) => records);
  assert.throws(() => decodeAll(unknown, { topic: 't', partition: 0, fetchOffset: 0 }, []), /compression 5/);
});
