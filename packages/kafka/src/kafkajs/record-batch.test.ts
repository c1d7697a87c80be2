import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { crc32c } from '@platformatic/wasm-utils/bundled';
import fc from 'fast-check';
import { ByteWriter } from './byte-writer.ts';
import { batchBytesMax, writeRecordBatch } from './record-batch.ts';
import { decodeBatches } from './record-decode.ts';
import { decodeAll } from './testing/decode-all.ts';
import type { OutgoingRecord } from '../port.ts';

const require = createRequire(import.meta.url);
const where = { topic: 't', partition: 3, fetchOffset: 0 };

function encode(records: readonly OutgoingRecord[], now = 1_700_000_000_123): Buffer {
  const writer = new ByteWriter(batchBytesMax(records));
  writeRecordBatch(writer, records, now);
  return writer.buffer.subarray(0, writer.offset);
}

const buffers = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const anyRecord: fc.Arbitrary<OutgoingRecord> = fc.record({
  topic: fc.constant('t'),
  partition: fc.constant(3),
  key: fc.option(buffers),
  value: fc.option(buffers),
  headers: fc.dictionary(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.oneof(buffers, fc.array(buffers, { minLength: 2, maxLength: 4 })),
  ),
});

test('whatever is written is read back', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 20 }), (records) => {
      const { records: read, nextOffset } = decodeAll(encode(records), where, []);
      assert.equal(nextOffset, records.length);
      read.forEach((record, index) => {
        assert.equal(record.offset, index);
        assert.equal(record.timestamp, 1_700_000_000_123);
        assert.deepEqual(record.key, records[index]?.key);
        assert.deepEqual(record.value, records[index]?.value);
        assert.deepEqual({ ...record.headers }, { ...records[index]?.headers });
      });
    }),
  );
});

test('kafkajs reads what we write, and we read what kafkajs writes', async () => {
  const Decoder = require('kafkajs/src/protocol/decoder.js');
  const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder.js');
  const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js');
  const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0/index.js');
  const headers = { a: Buffer.from('1'), b: [Buffer.from('2'), Buffer.from('3')] };
  const records = Array.from({ length: 300 }, (_, index) => ({
    topic: 't',
    partition: 3,
    key: index % 3 === 0 ? null : Buffer.from(`k${index}`),
    value: index % 5 === 0 ? null : Buffer.alloc(index * 7, index),
    headers,
  }));
  const theirs = await decodeBatch(new Decoder(encode(records)));
  assert.equal(theirs.records.length, 300);
  assert.deepEqual(theirs.records[299].value, records[299]?.value);
  assert.deepEqual(theirs.records[299].headers, headers);
  const batch = await RecordBatch({
    records: records.map((record, offsetDelta) =>
      encodeRecord({ ...record, offsetDelta, timestampDelta: offsetDelta }),
    ),
    firstTimestamp: 1_000,
    maxTimestamp: 1_299,
    lastOffsetDelta: 299,
  });
  const ours = decodeAll(batch.buffer, where, []);
  assert.deepEqual(
    ours.records.map((record) => record.timestamp),
    records.map((_, index) => 1_000 + index),
  );
  assert.deepEqual(ours.records[299]?.value, records[299]?.value);
  // The same bytes from the attributes to the end would give the same checksum; kafkajs's own is the witness.
  const crc32C = require('kafkajs/src/protocol/recordBatch/crc32C/index.js');
  const mine = encode(records);
  assert.equal(mine.readUInt32BE(17), crc32C(mine.subarray(21)));
});

test('encoding costs less than half of what kafkajs spends on the same batch', async () => {
  const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js');
  const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0/index.js');
  const records = Array.from({ length: 500 }, (_, index) => ({
    topic: 't',
    partition: 0,
    key: Buffer.from(`k${index}`),
    value: Buffer.alloc(1_024, index),
  }));
  const stock = () =>
    RecordBatch({
      records: records.map((record, offsetDelta) => encodeRecord({ ...record, offsetDelta })),
      lastOffsetDelta: 499,
    });
  // CPU time of this process, the better of several rounds: what else the machine does must not decide.
  const cost = async (run: () => unknown) => {
    let best = Infinity;
    for (let round = 0; round < 8; round += 1) {
      const before = process.cpuUsage();
      for (let turn = 0; turn < 10; turn += 1) await run();
      const used = process.cpuUsage(before);
      best = Math.min(best, used.user + used.system);
    }
    return best;
  };
  const theirs = await cost(stock);
  const ours = await cost(() => encode(records));
  assert.ok(ours * 2 < theirs, `${ours} µs against ${theirs} µs`);
});

test('records before the wanted offset, and a batch that was cut off, are left out', () => {
  const one = encode(
    [0, 1, 2].map((value) => ({ topic: 't', partition: 3, key: null, value: Buffer.from(String(value)) })),
  );
  const cut = decodeAll(Buffer.concat([one, one.subarray(0, one.length - 1)]), { ...where, fetchOffset: 1 }, []);
  assert.deepEqual(
    cut.records.map(({ offset }) => offset),
    [1, 2],
  );
  assert.equal(cut.nextOffset, 3);
  assert.deepEqual(decodeAll(Buffer.alloc(0), { ...where, fetchOffset: 9 }, []), { records: [], nextOffset: 9 });
});

test('no bytes make the decoder do anything but answer or throw a RangeError', () => {
  const valid = encode([
    { topic: 't', partition: 3, key: Buffer.from('k'), value: Buffer.alloc(50, 1), headers: { h: Buffer.from('x') } },
  ]);
  fc.assert(
    fc.property(fc.nat(valid.length - 1), fc.nat(255), (at, byte) => {
      const broken = Buffer.from(valid);
      broken[at] = byte;
      // As a writer with a bug would: damage under a right checksum.
      broken.writeUInt32BE(crc32c(broken.subarray(21)), 17);
      try {
        decodeAll(broken, where, []);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
    { numRuns: 500 },
  );
});

test('a header repeated many thousand times is read in time that grows with its size, not with its square', () => {
  const cost = (count: number) => {
    const bytes = encode([
      {
        topic: 't',
        partition: 3,
        key: null,
        value: Buffer.alloc(0),
        headers: { a: Array.from({ length: count }, () => Buffer.alloc(0)) },
      },
    ]);
    // The best of several rounds: what else the machine does must not decide.
    let best = Infinity;
    for (let round = 0; round < 5; round += 1) {
      const before = process.cpuUsage();
      const { records } = decodeAll(bytes, where, []);
      const { user, system } = process.cpuUsage(before);
      best = Math.min(best, user + system);
      assert.equal(records[0]?.headers['a']?.length, count);
    }
    return best;
  };
  const few = cost(2_000);
  // Square growth would make it 64 times as much.
  assert.ok(cost(16_000) < 24 * Math.max(few, 1_000));
});

test('headers have the names that were written, and no others, whatever the names are', () => {
  const names = ['__proto__', 'toString', 'ab', 'ac', 'ab', 'x'.repeat(200), ''];
  for (const name of names) {
    const headers = Object.defineProperty({}, name, { value: Buffer.from('v'), enumerable: true });
    const { records } = decodeAll(encode([{ topic: 't', partition: 3, key: null, value: null, headers }]), where, []);
    const read = records[0]?.headers ?? {};
    assert.deepEqual(Object.entries(read), [[name, Buffer.from('v')]]);
    assert.equal(read['constructor'], undefined);
    assert.equal(Object.getPrototypeOf(Object.getPrototypeOf(read)), null);
  }
});

test('a record that ends elsewhere than its length says is refused, not read again and again', () => {
  const bytes = encode([{ topic: 't', partition: 3, key: null, value: Buffer.from('v') }]);
  const lengthAt = 61;
  // Zigzag of -1: the record would end where it begins.
  bytes[lengthAt] = 1;
  bytes.writeInt32BE(2 ** 31 - 1, 57);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  assert.throws(() => decodeAll(bytes, where, []), /record 0 is \d+ bytes longer than it says/);
});

test('what stands before a damaged batch is read, a few records at a time', () => {
  const records = Array.from({ length: 100 }, () => ({ topic: 't', partition: 3, key: null, value: Buffer.from('v') }));
  const good = encode(records);
  const damaged = Buffer.from(good);
  damaged[damaged.length - 1] = 1;
  const read: { readonly count: number; readonly nextOffset: number }[] = [];
  assert.throws(() => {
    for (const portion of decodeBatches(Buffer.concat([good, damaged]), where, []))
      read.push({ count: portion.records.length, nextOffset: portion.nextOffset });
  }, /checksum/);
  assert.deepEqual(read, [
    { count: 64, nextOffset: 64 },
    { count: 36, nextOffset: 100 },
  ]);
});

test('bytes that were damaged on the way are told by their checksum, whatever they say', () => {
  const good = encode([{ topic: 't', partition: 3, key: null, value: Buffer.from('amount: 100') }]);
  const damaged = Buffer.from(good);
  damaged[damaged.indexOf('100')] = '9'.charCodeAt(0);
  assert.throws(() => decodeAll(damaged, where, []), /checksum/);
});
