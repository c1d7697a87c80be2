import assert from 'node:assert/strict';
import { bytes, codeOf, makeTopic, numbers, readAll, record, sendAll, text } from './conformance-harness.ts';
import type { Guarantee } from './conformance-harness.ts';

/** What the port promises about topics and about writing. */
export const producingGuarantees: readonly Guarantee[] = [
  {
    name: 'createTopics makes what is missing, leaves what exists, and every partition answers at once',
    async run(harness, port) {
      const name = harness.unique('made');
      const spec = { name, partitions: 3, replicationFactor: 1, config: { 'retention.ms': '12345678' } };
      assert.deepEqual(await harness.settled(port.admin.createTopics([spec])), { created: [name] });
      assert.equal((await harness.settled(port.admin.offsets(name))).length, 3);
      const again = await harness.settled(port.admin.createTopics([{ ...spec, partitions: 9 }]));
      assert.deepEqual(again, { created: [] });
      const [described] = await harness.settled(port.admin.describeTopics([name, harness.unique('absent')]));
      assert.equal(described?.partitions, 3);
      assert.equal(described?.replicationFactor, 1);
      assert.equal(described?.config['retention.ms'], '12345678');
      assert.equal(described?.config['cleanup.policy'], 'delete');
    },
  },
  {
    name: 'topics that do not exist are absent from descriptions, and their offsets are UNKNOWN_TOPIC',
    async run(harness, port) {
      const absent = harness.unique('absent');
      assert.deepEqual(await harness.settled(port.admin.describeTopics([absent])), []);
      assert.equal(await codeOf(harness, port.admin.offsets(absent)), 'UNKNOWN_TOPIC');
      assert.equal(await codeOf(harness, port.admin.offsetsAt(absent, 0)), 'UNKNOWN_TOPIC');
    },
  },
  {
    name: 'a topic keeps its id for as long as it exists, one that is made anew has another, and one that is not there has none',
    async run(harness, port) {
      const name = await makeTopic(harness, port);
      const other = await makeTopic(harness, port);
      const ids = () => harness.settled(port.admin.topicIds([name, other]));
      const before = await ids();
      assert.match(before.get(name) ?? '', /\S/);
      assert.notEqual(before.get(name), before.get(other));
      await harness.settled(port.admin.createTopics([{ name, partitions: 1, replicationFactor: 1, config: {} }]));
      assert.deepEqual(await ids(), before);
      await harness.settled(harness.deleteTopic(name));
      assert.deepEqual([...(await ids()).keys()], [other]);
      await harness.settled(port.admin.createTopics([{ name, partitions: 1, replicationFactor: 1, config: {} }]));
      const after = await ids();
      assert.match(after.get(name) ?? '', /\S/);
      assert.notEqual(after.get(name), before.get(name));
      assert.equal(after.get(other), before.get(other));
    },
  },
  {
    name: 'the cluster has an id and counts its brokers',
    async run(harness, port) {
      const { cluster, brokers } = await harness.settled(port.admin.describeCluster());
      assert.match(cluster, /\S/);
      assert.ok(brokers >= 1);
    },
  },
  {
    name: 'a record comes back byte for byte: keys, values, headers, empty and null told apart',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const headers = {
        one: Buffer.from([0, 255, 128]),
        empty: Buffer.alloc(0),
        many: [bytes('a'), bytes('b')],
        ünï: bytes('x'),
      };
      const producer = port.producer({ name: 'writer' });
      await sendAll(harness, producer, [
        { topic, partition: 0, key: Buffer.from([0, 1, 255]), value: bytes('válue'), headers },
        { topic, partition: 0, key: null, value: Buffer.alloc(0) },
        { topic, partition: 0, key: Buffer.alloc(0), value: null },
        { topic, partition: 0, key: bytes('big'), value: Buffer.alloc(300_000, 7) },
      ]);
      const [first, empty, tombstone, big] = await readAll(harness, port, topic);
      assert.deepEqual(first?.key, Buffer.from([0, 1, 255]));
      assert.equal(text(first), 'válue');
      assert.deepEqual({ ...first?.headers }, headers);
      assert.deepEqual([empty?.key, empty?.value], [null, Buffer.alloc(0)]);
      assert.deepEqual([tombstone?.key, tombstone?.value], [Buffer.alloc(0), null]);
      assert.deepEqual(big?.value, Buffer.alloc(300_000, 7));
      assert.ok((first?.timestamp ?? 0) > 1_500_000_000_000, 'the broker stamped it');
      assert.deepEqual({ ...empty?.headers }, {});
    },
  },
  {
    name: 'records of one partition stand in the order of the calls, and each acknowledgement names its offset',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { partitions: 3 });
      const producer = port.producer({ name: 'writer', batchRecordsMax: 100 });
      const acks = await sendAll(
        harness,
        producer,
        numbers(1_500).map((value) => record(topic, value, value % 3)),
      );
      assert.equal(producer.backlog.records, 0);
      assert.equal(producer.backlog.bytes, 0);
      const stored = await readAll(harness, port, topic);
      assert.equal(stored.length, 1_500);
      for (const partition of [0, 1, 2]) {
        const values = stored.filter((one) => one.partition === partition).map((one) => Number(text(one)));
        assert.deepEqual(
          values,
          numbers(500).map((value) => value * 3 + partition),
        );
      }
      const at = new Map(stored.map((one) => [`${one.partition}/${one.offset}`, text(one)]));
      acks.forEach((ack, value) => assert.equal(at.get(`${ack.partition}/${ack.offset}`), String(value)));
    },
  },
  {
    name: 'what may not be written fails with FENCED and is not stored; its neighbours are',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const producer = port.producer({ name: 'writer' });
      let allowed = true;
      const fenced = record(topic, 'fenced', 0, { mayWrite: () => allowed });
      const results = Promise.allSettled([
        producer.send(record(topic, 'before')),
        producer.send(fenced),
        producer.send(record(topic, 'after', 0, { mayWrite: () => true })),
      ]);
      // The question is asked when the record leaves, not when it is queued.
      allowed = false;
      const [before, middle, after] = await harness.settled(results);
      assert.equal(before.status, 'fulfilled');
      assert.equal(middle.status === 'rejected' && middle.reason.code, 'FENCED');
      assert.equal(after.status, 'fulfilled');
      assert.deepEqual((await readAll(harness, port, topic)).map(text), ['before', 'after']);
      assert.equal(await codeOf(harness, producer.send(fenced)), 'FENCED');
      assert.equal(producer.backlog.records, 0);
    },
  },
  {
    name: 'what may only be written later waits, and nothing of its partition is written before it',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { partitions: 2 });
      const producer = port.producer({ name: 'writer' });
      let allowed = false;
      let asked = 0;
      const mayWrite = () => {
        asked += 1;
        return allowed || ('later' as const);
      };
      const before = producer.send(record(topic, 'before'));
      const waiting = producer.send(record(topic, 'waiting', 0, { mayWrite }));
      const behind = producer.send(record(topic, 'behind'));
      const elsewhere = producer.send(record(topic, 'elsewhere', 1));
      await harness.settled(Promise.all([before, elsewhere]));
      await harness.until(() => asked >= 3, 'it to be asked about again');
      const late = producer.send(record(topic, 'late'));
      assert.deepEqual(new Set((await readAll(harness, port, topic)).map(text)), new Set(['before', 'elsewhere']));
      allowed = true;
      await harness.settled(Promise.all([waiting, behind, late]));
      const stored = (await readAll(harness, port, topic)).filter(({ partition }) => partition === 0);
      assert.deepEqual(stored.map(text), ['before', 'waiting', 'behind', 'late']);
      assert.equal(producer.backlog.records, 0);
    },
  },
  {
    name: 'a record over max.message.bytes fails with RECORD_TOO_LARGE; its neighbours in the batch are stored in order',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { config: { 'max.message.bytes': '20000' } });
      const producer = port.producer({ name: 'writer' });
      const sent = numbers(40).map((value) => {
        const large = value === 17;
        return producer.send(record(topic, value, 0, { headers: { pad: Buffer.alloc(large ? 30_000 : 1_000) } }));
      });
      const results = await harness.settled(Promise.allSettled(sent));
      const failed = results.flatMap((result, index) =>
        result.status === 'rejected' ? [[index, result.reason.code]] : [],
      );
      assert.deepEqual(failed, [[17, 'RECORD_TOO_LARGE']]);
      const stored = (await readAll(harness, port, topic)).map((one) => Number(text(one)));
      assert.deepEqual(
        stored,
        numbers(40).filter((value) => value !== 17),
      );
    },
  },
  {
    name: 'a record that the broker refuses for good fails with RECORD_REFUSED; its neighbours are stored in order',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { config: { 'cleanup.policy': 'compact' } });
      const producer = port.producer({ name: 'writer' });
      const sent = numbers(20).map((value) => producer.send(record(topic, value, 0, value === 5 ? { key: null } : {})));
      const results = await harness.settled(Promise.allSettled(sent));
      const failed = results.flatMap((result, index) =>
        result.status === 'rejected' ? [[index, result.reason.code]] : [],
      );
      assert.deepEqual(failed, [[5, 'RECORD_REFUSED']]);
      const stored = (await readAll(harness, port, topic)).map((one) => Number(text(one)));
      assert.deepEqual(
        stored,
        numbers(20).filter((value) => value !== 5),
      );
    },
  },
  {
    name: 'writing to a topic or partition that does not exist is RECORD_REFUSED, and holds nothing else up',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const producer = port.producer({ name: 'writer' });
      const nowhere = codeOf(harness, producer.send(record(harness.unique('absent'), 1)));
      const outside = codeOf(harness, producer.send(record(topic, 1, 99)));
      await harness.settled(producer.send(record(topic, 1)));
      assert.equal(await nowhere, 'RECORD_REFUSED');
      assert.equal(await outside, 'RECORD_REFUSED');
      assert.equal(await codeOf(harness, producer.send(record(topic, 1, -1))), 'RECORD_REFUSED');
    },
  },
  {
    name: 'a closed producer fails everything with CLOSED, and done is never called inside enqueue',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const producer = port.producer({ name: 'writer' });
      await harness.settled(producer.send(record(topic, 1)));
      const open = codeOf(harness, producer.send(record(topic, 2)));
      await harness.settled(producer[Symbol.asyncDispose]());
      assert.ok(['CLOSED', 'nothing'].includes(await open));
      let inside = true;
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      producer.enqueue(record(topic, 3), (error) => {
        assert.equal(inside, false);
        resolve(error?.code);
      });
      inside = false;
      assert.equal(await harness.settled(promise), 'CLOSED');
      await harness.settled(producer[Symbol.asyncDispose]());
    },
  },
  {
    name: 'flush waits for everything that was queued, and an idle producer is flushed',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const producer = port.producer({ name: 'writer' });
      await harness.settled(producer.flush());
      let done = 0;
      for (const value of numbers(50))
        producer.enqueue(record(topic, value), (error) => (error === null ? (done += 1) : assert.fail(error)));
      assert.equal(producer.backlog.records, 50);
      await harness.settled(producer.flush());
      assert.equal(done, 50);
    },
  },
];
