import assert from 'node:assert/strict';
import { limits } from '@postrider/core';
import { codeOf, collector, makeTopic, numbers, readAll, record, sendAll, text } from './conformance-harness.ts';
import type { Guarantee } from './conformance-harness.ts';

/** What the port promises about reading without a group. */
export const readingGuarantees: readonly Guarantee[] = [
  {
    name: 'a reader delivers everything from the beginning, says so, and then follows',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { partitions: 2 });
      const producer = port.producer({ name: 'writer' });
      await sendAll(
        harness,
        producer,
        numbers(600).map((value) => record(topic, value, value % 2)),
      );
      const { records, onBatch } = collector();
      await using reader = await harness.settled(port.reader({ topic, onBatch }));
      await harness.settled(reader.caughtUp);
      assert.equal(records.length, 600);
      assert.equal(reader.position(0), 300);
      await harness.settled(producer.send(record(topic, 'more', 1)));
      await harness.until(() => records.length === 601, 'the new record');
      assert.equal(text(records.at(-1)), 'more');
      assert.equal(reader.position(1), 301);
    },
  },
  {
    name: 'records larger than what is fetched at once are read, in every partition and between small ones',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { partitions: 4, config: { 'max.message.bytes': '2000000' } });
      const pad = Buffer.alloc(limits.fetchBytesMax + 100_000);
      const larger = pad.subarray(0, limits.fetchPartitionBytesMax + 10_000);
      const pads = [pad, Buffer.alloc(0), larger, larger, Buffer.alloc(0)];
      const producer = port.producer({ name: 'writer' });
      for (const [index, one] of pads.entries()) {
        const row = numbers(4).map((partition) => record(topic, index, partition, { headers: { pad: one } }));
        await sendAll(harness, producer, row);
      }
      const records = await readAll(harness, port, topic);
      for (const partition of numbers(4)) {
        const read = records.filter((one) => one.partition === partition);
        assert.deepEqual(
          read.map((one) => [text(one), (one.headers['pad'] as Buffer).length]),
          pads.map((one, index) => [String(index), one.length]),
        );
      }
    },
  },
  {
    name: 'a reader of an empty topic has caught up at once, and follows',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { partitions: 2 });
      const { records, onBatch } = collector();
      await using reader = await harness.settled(port.reader({ topic, onBatch }));
      await harness.settled(reader.caughtUp);
      await harness.settled(port.producer({ name: 'writer' }).send(record(topic, 'first')));
      await harness.until(() => records.length === 1, 'the first record');
    },
  },
  {
    name: 'a reader of a partition whose records were all deleted has caught up at once',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      await sendAll(
        harness,
        port.producer({ name: 'writer' }),
        numbers(5).map((value) => record(topic, value)),
      );
      await harness.settled(port.admin.deleteRecords([{ topic, partition: 0, offset: 5 }]));
      assert.deepEqual(await harness.settled(port.admin.offsets(topic)), [{ partition: 0, low: 5, high: 5 }]);
      assert.deepEqual(await readAll(harness, port, topic), []);
    },
  },
  {
    name: 'a reader catches up although the partition ends in a gap',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const producer = port.producer({ name: 'writer' });
      await harness.settled(producer.send(record(topic, 'a')));
      await harness.leaveGap(topic, 0);
      const { records, onBatch } = collector();
      await using reader = await harness.settled(port.reader({ topic, onBatch }));
      await harness.settled(reader.caughtUp);
      const [range] = await harness.settled(port.admin.offsets(topic));
      assert.equal(reader.position(0), range?.high);
      assert.equal(records.length, 1);
      assert.ok((range?.high ?? 0) > 1, 'there is a gap');
    },
  },
  {
    name: 'a reader starts where it is told, and reads only the partitions it is told',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { partitions: 3 });
      await sendAll(
        harness,
        port.producer({ name: 'writer' }),
        numbers(30).map((value) => record(topic, value, value % 3)),
      );
      const { records, onBatch } = collector();
      const from = new Map([[2, 7]]);
      await using reader = await harness.settled(port.reader({ topic, partitions: [1, 2], from, onBatch }));
      await harness.settled(reader.caughtUp);
      assert.deepEqual(
        records.filter((one) => one.partition === 1).map((one) => one.offset),
        numbers(10),
      );
      assert.deepEqual(
        records.filter((one) => one.partition === 2).map((one) => one.offset),
        [7, 8, 9],
      );
      assert.equal(records.length, 13);
    },
  },
  {
    name: 'a reader that is told to start below what still exists says so and starts with what exists',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      await sendAll(
        harness,
        port.producer({ name: 'writer' }),
        numbers(10).map((value) => record(topic, value)),
      );
      await harness.settled(port.admin.deleteRecords([{ topic, partition: 0, offset: 4 }]));
      const { records, onBatch } = collector();
      const troubles: string[] = [];
      const onTrouble = ({ message }: Error) => void troubles.push(message);
      await using reader = await harness.settled(port.reader({ topic, from: new Map([[0, 1]]), onBatch, onTrouble }));
      await harness.settled(reader.caughtUp);
      assert.deepEqual(
        records.map((one) => one.offset),
        [4, 5, 6, 7, 8, 9],
      );
      assert.deepEqual(troubles, [`offset 1 of ${topic}/0 does not exist any more`]);
    },
  },
  {
    name: 'reading a topic that does not exist is UNKNOWN_TOPIC',
    async run(harness, port) {
      const reader = port.reader({ topic: harness.unique('absent'), onBatch: () => assert.fail() });
      assert.equal(await codeOf(harness, reader), 'UNKNOWN_TOPIC');
    },
  },
  {
    name: 'after disposal a reader delivers nothing more',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const first = collector();
      const second = collector();
      const reader = await harness.settled(port.reader({ topic, onBatch: first.onBatch }));
      await harness.settled(reader.caughtUp);
      await harness.settled(reader[Symbol.asyncDispose]());
      await using other = await harness.settled(port.reader({ topic, onBatch: second.onBatch }));
      await harness.settled(port.producer({ name: 'writer' }).send(record(topic, 'late')));
      await harness.until(() => second.records.length === 1, 'the record at the open reader');
      assert.equal(first.records.length, 0);
      assert.equal(other.position(0), 1);
    },
  },
  {
    name: 'offsetsAt finds the first record at or after a time, and the end when there is none',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { partitions: 2 });
      const producer = port.producer({ name: 'writer' });
      await sendAll(
        harness,
        producer,
        numbers(3).map((value) => record(topic, value)),
      );
      const [first] = await readAll(harness, port, topic);
      assert.ok(first);
      const start = await harness.settled(port.admin.offsetsAt(topic, first.timestamp));
      assert.deepEqual(
        [...start],
        [
          [0, 0],
          [1, 0],
        ],
      );
      const later = await harness.settled(port.admin.offsetsAt(topic, first.timestamp + 3_600_000));
      assert.deepEqual(
        [...later],
        [
          [0, 3],
          [1, 0],
        ],
      );
    },
  },
  {
    name: 'deleteRecords moves the beginning, and an offset beyond the end is INVALID_ARGUMENT',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { partitions: 2 });
      await sendAll(
        harness,
        port.producer({ name: 'writer' }),
        numbers(10).map((value) => record(topic, value, value % 2)),
      );
      await harness.settled(port.admin.deleteRecords([{ topic, partition: 1, offset: 3 }]));
      assert.deepEqual(await harness.settled(port.admin.offsets(topic)), [
        { partition: 0, low: 0, high: 5 },
        { partition: 1, low: 3, high: 5 },
      ]);
      const beyond = port.admin.deleteRecords([{ topic, partition: 0, offset: 6 }]);
      assert.equal(await codeOf(harness, beyond), 'INVALID_ARGUMENT');
    },
  },
];
