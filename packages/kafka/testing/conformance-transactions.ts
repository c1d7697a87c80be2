import assert from 'node:assert/strict';
import { codeOf, makeTopic, numbers, readAll, record, text } from './conformance-harness.ts';
import type { Guarantee } from './conformance-harness.ts';

/** What the port promises about writing several records as one. */
export const transactionGuarantees: readonly Guarantee[] = [
  {
    name: 'records of a transaction stand together and in order, the last one where it is said to, and each once',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const transactionalId = harness.unique('writer');
      const writer = await harness.settled(port.transactionalWriter({ name: 'one', transactionalId }));
      const first = await harness.settled(writer.write(numbers(3).map((value) => record(topic, value))));
      const second = await harness.settled(writer.write(numbers(1_200, 3).map((value) => record(topic, value))));
      const read = await readAll(harness, port, topic, 1_203);
      assert.deepEqual(
        read.map(text),
        numbers(1_203).map((value) => String(value)),
      );
      const at = (offset: number | undefined) => [{ topic, partition: 0, offset }];
      assert.deepEqual([at(read[2]?.offset), at(read.at(-1)?.offset)], [first, second]);
    },
  },
  {
    name: 'a transaction of several topics and partitions: all of it is stored, each part in order, and where is told of each',
    async run(harness, port) {
      const one = await makeTopic(harness, port, { name: 'one', partitions: 2 });
      const other = await makeTopic(harness, port, { name: 'other' });
      const transactionalId = harness.unique('writer');
      const writer = await harness.settled(port.transactionalWriter({ name: 'one', transactionalId }));
      for (const from of [0, 700]) {
        const records = numbers(700, from).flatMap((value) => [
          record(one, value, value % 2),
          ...(value % 100 === 0 ? [record(other, value)] : []),
        ]);
        const ends = await harness.settled(writer.write(records));
        const written = from + 700;
        const parts = [readAll(harness, port, one, written), readAll(harness, port, other, written / 100)];
        const stored = (await Promise.all(parts)).flat();
        const last = (topic: string, partition: number) =>
          stored.findLast((read) => read.topic === topic && read.partition === partition)?.offset;
        assert.deepEqual(ends, [
          { topic: one, partition: 0, offset: last(one, 0) },
          { topic: other, partition: 0, offset: last(other, 0) },
          { topic: one, partition: 1, offset: last(one, 1) },
        ]);
        for (const { topic, partition } of ends) {
          const step = topic === one ? 2 : 100;
          const wanted = numbers((from + 700) / step).map((value) => String(partition + value * step));
          const found = stored.filter((read) => read.topic === topic && read.partition === partition);
          assert.deepEqual(found.map(text), wanted);
        }
      }
    },
  },
  {
    name: 'a record that one partition refuses takes those of all others with it, and the next transaction is stored',
    async run(harness, port) {
      const small = await makeTopic(harness, port, { name: 'small', config: { 'max.message.bytes': '20000' } });
      const topic = await makeTopic(harness, port);
      const transactionalId = harness.unique('writer');
      const writer = await harness.settled(port.transactionalWriter({ name: 'one', transactionalId }));
      const large = { ...record(small, 'large'), value: Buffer.alloc(30_000, 1) };
      for (const records of [
        [record(topic, 'beside'), large],
        [large, record(topic, 'beside')],
      ]) {
        assert.equal(await codeOf(harness, writer.write(records)), 'RECORD_TOO_LARGE');
      }
      await harness.settled(writer.write([record(topic, 'next'), record(small, 'next')]));
      for (const name of [topic, small]) assert.deepEqual((await readAll(harness, port, name, 1)).map(text), ['next']);
    },
  },
  {
    name: 'the broker refuses an older writer of the same id, and stores nothing of what it still sends',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const other = await makeTopic(harness, port);
      const transactionalId = harness.unique('writer');
      const open = () => harness.settled(port.transactionalWriter({ name: 'one', transactionalId }));
      const older = await open();
      await harness.settled(older.write([record(topic, 'before')]));
      const newer = await open();
      const stale = () => codeOf(harness, older.write([record(topic, 'stale'), record(other, 'stale')]));
      assert.equal(await stale(), 'FENCED');
      await harness.settled(newer.write([record(topic, 'after')]));
      assert.equal(await stale(), 'FENCED');
      assert.deepEqual((await readAll(harness, port, topic, 2)).map(text), ['before', 'after']);
      assert.deepEqual(await readAll(harness, port, other), []);
    },
  },
  {
    name: 'a transaction with one record that is too large is refused as a whole, and the next one is stored',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { config: { 'max.message.bytes': '20000' } });
      const transactionalId = harness.unique('writer');
      const writer = await harness.settled(port.transactionalWriter({ name: 'one', transactionalId }));
      const large = { ...record(topic, 'large'), value: Buffer.alloc(30_000, 1) };
      assert.equal(await codeOf(harness, writer.write([record(topic, 'beside'), large])), 'RECORD_TOO_LARGE');
      await harness.settled(writer.write([record(topic, 'next')]));
      assert.deepEqual((await readAll(harness, port, topic, 1)).map(text), ['next']);
    },
  },
  {
    name: 'a transaction that may not be written is not, and whoever opens the next writer is not kept waiting by it',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const transactionalId = harness.unique('writer');
      const open = () => harness.settled(port.transactionalWriter({ name: 'one', transactionalId }));
      const asked = record(topic, 'asked', 0, { mayWrite: () => false });
      assert.equal(await codeOf(harness, (await open()).write([asked])), 'FENCED');
      await harness.settled((await open()).write([record(topic, 'next')]));
      assert.deepEqual((await readAll(harness, port, topic, 1)).map(text), ['next']);
    },
  },
  {
    name: 'without a record there is no transaction',
    async run(harness, port) {
      const transactionalId = harness.unique('writer');
      const writer = await harness.settled(port.transactionalWriter({ name: 'one', transactionalId }));
      assert.equal(await codeOf(harness, writer.write([])), 'INVALID_ARGUMENT');
    },
  },
];
