import assert from 'node:assert/strict';
import { collector, numbers, readAll, record, text } from './conformance-harness.ts';
import { createRealHarness } from './real-harness.ts';
import type { Batch, GroupMember, IncomingRecord } from '../src/port.ts';

/** What a broken broker must not do: told by the test that can break one. */
export interface BreakableCluster {
  readonly bootstrapServers: readonly string[];
  /** Breaks something now; resolves when it is as broken as it gets. */
  breakIt(): Promise<void>;
  /** Mends it; absent when the cluster must live on without. `producerSaid` waits for what the producer logs. */
  mendIt?(producerSaid: (pattern: RegExp) => Promise<void>): Promise<void>;
  /** Default: the producer's own. */
  readonly sendDeadlineMs?: number;
  readonly replicationFactor: number;
}

/** What was seen while the cluster was broken. */
export interface FaultReport {
  readonly records: number;
  /** Stored more than once. */
  readonly duplicates: number;
  /** The longest time between two acknowledgements. */
  readonly stallMs: number;
  readonly assignments: number;
}

/**
 * Writes 6,500 records to 6 partitions while the cluster breaks, and reads them with a member. Fails unless every record is
 * acknowledged where it stands, first storings are in order, and the member reads every stored record.
 */
export async function writeAndReadThrough(cluster: BreakableCluster): Promise<FaultReport> {
  const said: string[] = [];
  const harness = createRealHarness(cluster.bootstrapServers, (message) => void said.push(message));
  await using port = harness.connect();
  const topic = harness.unique('faulty');
  const { replicationFactor } = cluster;
  await port.admin.createTopics([{ name: topic, partitions: 6, replicationFactor, config: {} }]);
  const { records: read, onBatch } = collector();
  const assignments: unknown[] = [];
  const partitions = numbers(6).map((partition) => ({ topic, partition }));
  let joined: GroupMember | null = null;
  const member = await port.groupMember({
    groupId: harness.unique('group'),
    processId: harness.unique('process'),
    topics: [topic],
    startFrom: 'earliest',
    onAssigned: (assignment) => {
      assignments.push(assignment);
      // A member that had to join anew finds everything paused, and reads on from its commit: there is none.
      joined?.resume(partitions);
    },
    onBatch: (batch: Batch) => onBatch(batch),
    onOffsetOutOfRange: (position) => assert.fail(`out of range: ${JSON.stringify(position)}`),
  });
  joined = member;
  member.resume(partitions);
  const producer = port.producer({
    name: 'writer',
    batchRecordsMax: 50,
    sendDeadlineMs: cluster.sendDeadlineMs ?? 20_000,
  });
  const acks = new Map<string, number>();
  let queued = 0;
  let lastAck = performance.now();
  let stallMs = 0;
  const enqueue = (count: number) => {
    for (const value of numbers(count, queued)) {
      producer.enqueue(record(topic, value, value % 6), (error, ack) => {
        assert.equal(error, null);
        if (ack === null) return;
        stallMs = Math.max(stallMs, performance.now() - lastAck);
        lastAck = performance.now();
        acks.set(`${ack.partition}/${ack.offset}`, value);
      });
    }
    queued += count;
  };
  enqueue(3_000);
  await harness.until(() => acks.size >= 300, 'the first acknowledgements');
  const breaking = cluster.breakIt();
  enqueue(3_000);
  await breaking;
  enqueue(500);
  await cluster.mendIt?.((pattern) =>
    harness.until(() => said.some((message) => pattern.test(message)), `the producer saying ${pattern}`),
  );
  await harness.until(() => acks.size === 6_500, 'all acknowledgements');
  const stored = await readAll(harness, port, topic);
  await harness.until(() => read.length >= stored.length, 'all records at the member');
  assertStoredAsAcknowledged(stored, acks);
  assert.deepEqual(new Set(read.map((one) => `${one.partition}/${one.offset}`)).size, stored.length);
  return {
    records: stored.length,
    duplicates: stored.length - 6_500,
    stallMs: Math.round(stallMs),
    assignments: assignments.length,
  };
}

/** Each record stands where it was acknowledged, and what stands twice stands first in order. */
function assertStoredAsAcknowledged(stored: readonly IncomingRecord[], acks: ReadonlyMap<string, number>): void {
  const at = new Map(stored.map((one) => [`${one.partition}/${one.offset}`, Number(text(one))]));
  for (const [where, value] of acks) assert.equal(at.get(where), value, `${value} was acknowledged at ${where}`);
  for (const partition of numbers(6)) {
    const values = stored.filter((one) => one.partition === partition).map((one) => Number(text(one)));
    const firsts = [...new Set(values)];
    assert.deepEqual(
      firsts,
      firsts.toSorted((a, b) => a - b),
      `order in partition ${partition}`,
    );
  }
}
