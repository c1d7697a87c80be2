import assert from 'node:assert/strict';
import { codeOf, collector, makeTopic, numbers, record, sendAll, text } from './conformance-harness.ts';
import type { ConformanceHarness, Guarantee } from './conformance-harness.ts';
import type {
  Assignment,
  Batch,
  GroupMember,
  GroupMemberOptions,
  KafkaPort,
  TopicPartition,
  TopicPartitionOffset,
} from '../src/port.ts';

interface Watched {
  readonly member: GroupMember;
  readonly assignments: Assignment[];
  readonly outOfRange: TopicPartitionOffset[];
  readonly values: () => string[];
  readonly offsets: () => number[];
  readonly batches: readonly Batch[];
  all(): TopicPartition[];
}

async function join(
  harness: ConformanceHarness,
  port: KafkaPort,
  options: Partial<GroupMemberOptions> & Pick<GroupMemberOptions, 'groupId' | 'topics'>,
): Promise<Watched> {
  const { records, batches, onBatch } = collector();
  const assignments: Assignment[] = [];
  const outOfRange: TopicPartitionOffset[] = [];
  const joining = port.groupMember({
    processId: harness.unique('process'),
    startFrom: 'earliest',
    sessionTimeoutMs: 10_000,
    heartbeatIntervalMs: 200,
    onBatch,
    onAssigned: (assignment) => void assignments.push(assignment),
    onOffsetOutOfRange: (position) => void outOfRange.push(position),
    ...options,
  });
  const member = await harness.settled(joining);
  return {
    member,
    assignments,
    outOfRange,
    batches,
    values: () => records.map((one) => text(one) ?? 'null'),
    offsets: () => records.map((one) => one.offset),
    all: () =>
      [...(assignments.at(-1) ?? [])].flatMap(([topic, list]) => list.map((partition) => ({ topic, partition }))),
  };
}

async function filled(harness: ConformanceHarness, port: KafkaPort, count: number, partitions = 1): Promise<string> {
  const topic = await makeTopic(harness, port, { partitions });
  const records = numbers(count).map((value) => record(topic, value, value % partitions));
  await sendAll(harness, port.producer({ name: 'writer' }), records);
  return topic;
}

/** What the port promises about one member of a group. */
export const memberGuarantees: readonly Guarantee[] = [
  {
    name: 'a member is told its partitions before it reads, and nothing is read before resume',
    async run(harness, port) {
      const topic = await filled(harness, port, 10);
      const watched = await join(harness, port, { groupId: harness.unique('group'), topics: [topic] });
      assert.deepEqual(watched.all(), [{ topic, partition: 0 }]);
      const sentAt = watched.member.lastHeartbeatSentAt;
      await harness.until(() => watched.member.lastHeartbeatSentAt > sentAt + 400, 'some heartbeats');
      assert.deepEqual(watched.values(), []);
      watched.member.resume(watched.all());
      await harness.until(() => watched.values().length === 10, 'all records');
      assert.deepEqual(watched.values(), numbers(10).map(String));
    },
  },
  {
    name: 'a heartbeat counts from when it was sent, and never from the future',
    async run(harness, port) {
      const before = harness.monotonic();
      const topic = await makeTopic(harness, port);
      const { member } = await join(harness, port, { groupId: harness.unique('group'), topics: [topic] });
      const joinedAt = member.lastHeartbeatSentAt;
      assert.ok(joinedAt >= before && joinedAt <= harness.monotonic());
      await harness.until(() => member.lastHeartbeatSentAt > joinedAt, 'the next heartbeat');
      assert.ok(member.lastHeartbeatSentAt <= harness.monotonic());
      assert.equal(member.sessionTimeoutMs, 10_000);
    },
  },
  {
    name: 'commits are kept with their metadata and read back, also by the next member, which starts there',
    async run(harness, port) {
      const topic = await filled(harness, port, 10);
      const groupId = harness.unique('group');
      const first = await join(harness, port, { groupId, topics: [topic] });
      assert.equal(await harness.settled(first.member.committed({ topic, partition: 0 })), null);
      const metadata = 'ü'.repeat(2_048);
      await harness.settled(first.member.commit([{ topic, partition: 0, offset: 7, metadata }]));
      const kept = { topic, partition: 0, offset: 7, metadata };
      assert.deepEqual(await harness.settled(first.member.committed({ topic, partition: 0 })), kept);
      const tooLong = first.member.commit([{ topic, partition: 0, offset: 8, metadata: `${metadata}x` }]);
      assert.equal(await codeOf(harness, tooLong), 'INVALID_ARGUMENT');
      await harness.settled(first.member[Symbol.asyncDispose]());
      const second = await join(harness, port, { groupId, topics: [topic] });
      assert.deepEqual(await harness.settled(second.member.committed({ topic, partition: 0 })), kept);
      second.member.resume(second.all());
      await harness.until(() => second.values().length === 3, 'the rest');
      assert.deepEqual(second.offsets(), [7, 8, 9]);
    },
  },
  {
    name: 'after disposal began a commit rejects with CLOSED and stores nothing',
    async run(harness, port) {
      const topic = await filled(harness, port, 3);
      const groupId = harness.unique('group');
      const first = await join(harness, port, { groupId, topics: [topic] });
      await harness.settled(first.member.commit([{ topic, partition: 0, offset: 1 }]));
      const closing = first.member[Symbol.asyncDispose]();
      assert.equal(await codeOf(harness, first.member.commit([{ topic, partition: 0, offset: 2 }])), 'CLOSED');
      await harness.settled(closing);
      const second = await join(harness, port, { groupId, topics: [topic] });
      assert.equal((await harness.settled(second.member.committed({ topic, partition: 0 })))?.offset, 1);
    },
  },
  {
    name: 'a seek decides where reading goes on, and what was under way before it is not delivered',
    async run(harness, port) {
      const topic = await filled(harness, port, 100);
      const { member, offsets, all } = await join(harness, port, { groupId: harness.unique('group'), topics: [topic] });
      member.seek({ topic, partition: 0, offset: 90 });
      member.resume(all());
      member.seek({ topic, partition: 0, offset: 95 });
      await harness.until(() => offsets().length >= 5, 'the records from 95 on');
      assert.deepEqual(offsets(), [95, 96, 97, 98, 99]);
      member.seek({ topic, partition: 0, offset: 98 });
      await harness.until(() => offsets().length >= 7, 'the records from 98 on');
      assert.deepEqual(offsets().slice(5), [98, 99]);
      assert.throws(() => member.seek({ topic, partition: 7, offset: 0 }), { code: 'INVALID_ARGUMENT' });
    },
  },
  {
    name: 'over new connections reading goes on from where it was, and the membership is the same',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const watched = await join(harness, port, { groupId: harness.unique('group'), topics: [topic] });
      const producer = port.producer({ name: 'writer' });
      watched.member.resume(watched.all());
      await sendAll(harness, producer, [record(topic, 'one')]);
      await harness.until(() => watched.offsets().length === 1, 'the first record');
      const { membership } = watched.member;
      watched.member.reconnect();
      await sendAll(harness, producer, [record(topic, 'two')]);
      await harness.until(() => watched.offsets().length >= 2, 'the second record');
      assert.deepEqual(watched.values(), ['one', 'two']);
      assert.deepEqual(watched.member.membership, membership);
      assert.equal(watched.assignments.length, 1);
    },
  },
  {
    name: 'pausing and resuming loses nothing and repeats nothing',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { partitions: 2 });
      const watched = await join(harness, port, { groupId: harness.unique('group'), topics: [topic] });
      const producer = port.producer({ name: 'writer' });
      watched.member.resume(watched.all());
      for (const round of numbers(10)) {
        const sending = sendAll(
          harness,
          producer,
          numbers(20, round * 20).map((value) => record(topic, value, value % 2)),
        );
        watched.member.pause([{ topic, partition: 0 }]);
        await sending;
        watched.member.resume([{ topic, partition: 0 }]);
      }
      await harness.until(() => watched.values().length >= 200, 'all records');
      const sorted = watched
        .values()
        .map(Number)
        .toSorted((a, b) => a - b);
      assert.deepEqual(sorted, numbers(200));
    },
  },
  {
    name: 'an offset that does not exist is told, and reading goes on from the declared start',
    async run(harness, port) {
      const topic = await filled(harness, port, 10);
      await harness.settled(port.admin.deleteRecords([{ topic, partition: 0, offset: 4 }]));
      const { member, offsets, outOfRange, all } = await join(harness, port, {
        groupId: harness.unique('group'),
        topics: [topic],
      });
      member.seek({ topic, partition: 0, offset: 2 });
      member.resume(all());
      await harness.until(() => offsets().length === 6, 'what is left');
      assert.deepEqual(offsets(), [4, 5, 6, 7, 8, 9]);
      assert.deepEqual(outOfRange, [{ topic, partition: 0, offset: 2 }]);
    },
  },
  {
    name: 'a member that starts from the latest reads only what comes later',
    async run(harness, port) {
      const topic = await filled(harness, port, 10);
      const groupId = harness.unique('group');
      const { member, values, all } = await join(harness, port, { groupId, topics: [topic], startFrom: 'latest' });
      member.resume(all());
      const producer = port.producer({ name: 'writer' });
      let count = 0;
      await harness.until(() => {
        // Its end is looked up after resume, so the first few may come too early.
        if (values().length === 0) producer.enqueue(record(topic, `new-${count++}`), () => undefined);
        return values().length > 0;
      }, 'a later record');
      assert.ok(values().every((value) => value.startsWith('new-')));
    },
  },
];

/** What the port promises about several members. */
export const groupGuarantees: readonly Guarantee[] = [
  {
    name: 'two members share the partitions, the same ones of every topic; when one leaves the other gets all back',
    async run(harness, port) {
      const topics = [
        await makeTopic(harness, port, { partitions: 4 }),
        await makeTopic(harness, port, { partitions: 4 }),
      ];
      const groupId = harness.unique('group');
      const first = await join(harness, port, { groupId, topics });
      assert.equal(first.all().length, 8);
      const other = harness.connect();
      const second = await join(harness, other, { groupId, topics });
      await harness.until(() => first.assignments.length === 2, 'the new generation');
      for (const { assignments } of [first, second]) {
        const [a, b] = topics.map((topic) => assignments.at(-1)?.get(topic));
        assert.equal(a?.length, 2);
        assert.deepEqual(a, b);
      }
      const shared = [first, second].flatMap(({ assignments }) => [
        ...(assignments.at(-1)?.get(topics[0] ?? '') ?? []),
      ]);
      assert.deepEqual(
        shared.toSorted((a, b) => a - b),
        [0, 1, 2, 3],
      );
      await harness.settled(second.member[Symbol.asyncDispose]());
      await harness.until(() => first.assignments.length === 3, 'the generation after the leave');
      assert.equal(first.all().length, 8);
      await other[Symbol.asyncDispose]();
    },
  },
  {
    name: 'after a new generation every partition is paused again, also those that were kept, and a kept seek is forgotten',
    async run(harness, port) {
      const topic = await filled(harness, port, 8, 2);
      const groupId = harness.unique('group');
      const first = await join(harness, port, { groupId, topics: [topic] });
      first.member.seek({ topic, partition: 0, offset: 3 });
      first.member.resume(first.all());
      await harness.until(() => first.offsets().length === 5, 'the first reading');
      const other = harness.connect();
      const second = await join(harness, other, { groupId, topics: [topic] });
      await harness.until(() => first.assignments.length === 2, 'the new generation');
      const kept = first.all()[0];
      assert.ok(kept);
      const read = first.offsets().length;
      const sentAt = first.member.lastHeartbeatSentAt;
      await harness.until(() => first.member.lastHeartbeatSentAt > sentAt + 400, 'some heartbeats');
      assert.equal(first.offsets().length, read);
      first.member.resume([kept]);
      await harness.until(() => first.offsets().length === read + 4, 'all of the kept partition again');
      assert.deepEqual(first.offsets().slice(read), [0, 1, 2, 3]);
      await harness.settled(second.member[Symbol.asyncDispose]());
      await other[Symbol.asyncDispose]();
    },
  },
  {
    name: 'partition ownership is sticky: a joiner takes its share, and the others keep theirs',
    async run(harness, port) {
      const topic = await makeTopic(harness, port, { partitions: 6 });
      const groupId = harness.unique('group');
      const mine = (watched: Watched) => new Set(watched.all().map(({ partition }) => partition));
      const first = await join(harness, port, { groupId, topics: [topic] });
      const ports = [harness.connect(), harness.connect()];
      const second = await join(harness, ports[0] as KafkaPort, { groupId, topics: [topic] });
      await harness.until(() => first.all().length === 3, 'two shares');
      const before = [mine(first), mine(second)];
      await join(harness, ports[1] as KafkaPort, { groupId, topics: [topic] });
      await harness.until(() => first.all().length === 2 && second.all().length === 2, 'three shares');
      assert.ok(mine(first).isSubsetOf(before[0] as Set<number>));
      assert.ok(mine(second).isSubsetOf(before[1] as Set<number>));
      for (const one of ports) await harness.settled(one[Symbol.asyncDispose]());
    },
  },
  {
    name: 'describeGroup names the members by their process ids, and knows empty and unknown groups',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const groupId = harness.unique('group');
      assert.deepEqual(await harness.settled(port.admin.describeGroup(groupId)), { state: 'dead', members: [] });
      const processId = harness.unique('pod');
      const { member } = await join(harness, port, { groupId, topics: [topic], processId });
      const described = await harness.settled(port.admin.describeGroup(groupId));
      assert.deepEqual(described, { state: 'stable', members: [processId] });
      await harness.settled(member.commit([{ topic, partition: 0, offset: 0 }]));
      await harness.settled(member[Symbol.asyncDispose]());
      assert.deepEqual(await harness.settled(port.admin.describeGroup(groupId)), { state: 'empty', members: [] });
    },
  },
  {
    name: 'committedOffsets tells all that a group has committed, also when nobody is in it, and nothing of an unknown group',
    async run(harness, port) {
      const [topic, other] = [await makeTopic(harness, port), await makeTopic(harness, port)];
      const groupId = harness.unique('group');
      assert.deepEqual(await harness.settled(port.admin.committedOffsets(groupId)), []);
      const { member } = await join(harness, port, { groupId, topics: [topic, other] });
      const committed = [topic, other].map((name, index) => ({
        topic: name,
        partition: 0,
        offset: index,
        metadata: 'm',
      }));
      await harness.settled(member.commit(committed));
      await harness.settled(member[Symbol.asyncDispose]());
      const found = await harness.settled(port.admin.committedOffsets(groupId));
      assert.deepEqual(
        found.toSorted((a, b) => a.offset - b.offset),
        committed,
      );
    },
  },
  {
    name: 'a member that the group has taken for dead has no session from then on, and comes back under another process id',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const groupId = harness.unique('group');
      const processId = harness.unique('pod');
      const seen: object[] = [];
      const onTrouble = () => {
        const { membership, lastHeartbeatSentAt } = watched.member;
        seen.push({ ...membership, lastHeartbeatSentAt });
      };
      const watched = await join(harness, port, { groupId, topics: [topic], processId, onTrouble });
      const before = watched.member.membership;
      await harness.expel(groupId, before.memberId);
      await harness.until(() => watched.assignments.length === 2, 'it has joined again');
      const again = `${processId}.1`;
      assert.deepEqual(seen, [{ processId: again, memberId: '', generation: -1, lastHeartbeatSentAt: -Infinity }]);
      assert.equal(before.processId, processId);
      assert.equal(watched.member.membership.processId, again);
      assert.notEqual(watched.member.membership.memberId, before.memberId);
      const described = await harness.settled(port.admin.describeGroup(groupId));
      assert.deepEqual(described, { state: 'stable', members: [again] });
    },
  },
  {
    name: 'joining for a topic that does not exist is UNKNOWN_TOPIC',
    async run(harness, port) {
      const joining = join(harness, port, { groupId: harness.unique('group'), topics: [harness.unique('absent')] });
      assert.equal(await codeOf(harness, joining), 'UNKNOWN_TOPIC');
    },
  },
  {
    name: 'disposing the port closes its members, readers and producers',
    async run(harness, port) {
      const topic = await makeTopic(harness, port);
      const other = harness.connect();
      const { member } = await join(harness, other, { groupId: harness.unique('group'), topics: [topic] });
      const producer = other.producer({ name: 'writer' });
      await harness.settled(other[Symbol.asyncDispose]());
      assert.equal(await codeOf(harness, producer.send(record(topic, 1))), 'CLOSED');
      assert.equal(await codeOf(harness, member.commit([{ topic, partition: 0, offset: 0 }])), 'CLOSED');
      assert.throws(() => other.producer({ name: 'late' }), { code: 'CLOSED' });
      await harness.settled(other[Symbol.asyncDispose]());
    },
  },
];
