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
      const read = await readAll(harness, port, topic);
      assert.deepEqual(
        read.map(text),
        numbers(1_203).map((value) => String(value)),
      );
      assert.deepEqual([read[2]?.offset, read.at(-1)?.offset], [first, second]);
    },
  },
  {
    name: 'the broker refuses an older writer of the same id, and stores nothing of what it still sends',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const transactionalId = harness.unique('writer');
      const open = () => harness.settled(port.transactionalWriter({ name: 'one', transactionalId }));
      const older = await open();
      await harness.settled(older.write([record(topic, 'before')]));
      const newer = await open();
      assert.equal(await codeOf(harness, older.write([record(topic, 'stale')])), 'FENCED');
      await harness.settled(newer.write([record(topic, 'after')]));
      assert.equal(await codeOf(harness, older.write([record(topic, 'stale')])), 'FENCED');
      assert.deepEqual((await readAll(harness, port, topic)).map(text), ['before', 'after']);
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
      assert.deepEqual((await readAll(harness, port, topic)).map(text), ['next']);
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
      assert.deepEqual((await readAll(harness, port, topic)).map(text), ['next']);
    },
  },
  {
    name: 'of what cannot be a transaction nothing is stored',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { partitions: 2 });
      const transactionalId = harness.unique('writer');
      const writer = await harness.settled(port.transactionalWriter({ name: 'one', transactionalId }));
      assert.equal(await codeOf(harness, writer.write([])), 'INVALID_ARGUMENT');
      assert.equal(await codeOf(harness, writer.write([record(topic, 1, 0), record(topic, 2, 1)])), 'INVALID_ARGUMENT');
      assert.deepEqual(await readAll(harness, port, topic), []);
    },
  },
];
