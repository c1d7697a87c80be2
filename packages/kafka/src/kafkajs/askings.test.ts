/** The loop over a broker that is as strict with sessions as Kafka is. Time is virtual. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFakeClock } from '../../testing/fake-clock.ts';
import { createFetchLoop } from './fetch-loop.ts';
import { createFetchBroker } from './testing/fetch-broker.ts';
import type { KafkaClient } from './client.ts';

const PARTITIONS = 24;

/** A loop that reads 24 partitions from their beginning; every record is to come once, in order. */
function readAll() {
  const clock = createFakeClock();
  const served = createFetchBroker(clock);
  const next = new Map<number, number>();
  const delays: number[] = [];
  const written = new Map<number, { readonly end: number; readonly at: number }[]>();
  const loop = createFetchLoop({
    client: {
      leaderOf: () => 1,
      broker: async () => served.broker,
      refresh: async () => undefined,
    } as unknown as KafkaClient,
    clock,
    maxWaitMs: 100,
    maxBytesPerPartition: 1_000_000,
    onBatch({ partition, records, nextOffset }) {
      assert.equal(records[0]?.offset, next.get(partition) ?? 0, `partition ${partition}`);
      next.set(partition, nextOffset);
      for (const { end, at } of written.get(partition) ?? [])
        if (end > (records[0]?.offset ?? 0) && end <= nextOffset) delays.push(clock.monotonic() - at);
    },
    onOutOfRange: () => assert.fail(),
    onTrouble: ({ message }) => assert.equal(message, 'the connection was lost'),
  });
  for (let partition = 0; partition < PARTITIONS; partition += 1) loop.start('t', partition, 0);
  const endOf = (partition: number) => written.get(partition)?.at(-1)?.end ?? 0;
  return {
    ...{ clock, loop, broker: served, next, delays },
    write(...partitions: readonly number[]): void {
      for (const partition of partitions) {
        const own = written.get(partition) ?? [];
        written.set(partition, [...own, { end: endOf(partition) + 1, at: clock.monotonic() }]);
      }
      served.append(partitions);
    },
    missing: () => [...written.keys()].filter((partition) => next.get(partition) !== endOf(partition)),
    /** What is asked from now on until `ms` have passed. */
    async askedIn(ms: number) {
      const { length } = served.asked;
      await clock.advance(ms);
      return served.asked.slice(length);
    },
  };
}

test('beside many partitions at rest those that have something often are asked for apart, until they rest, too', async () => {
  const { clock, loop, write, askedIn, delays, missing } = readAll();
  await clock.advance(1_000);
  assert.ok(
    (await askedIn(1_000)).every(({ connection, partitions }) => connection === 1 && partitions === PARTITIONS),
  );
  for (let round = 0; round < 40; round += 1) {
    write(round % 2);
    await clock.advance(50);
  }
  assert.deepEqual(missing(), []);
  const late = delays.filter((ms) => ms > 5);
  assert.deepEqual(late, []);
  const { length } = delays;
  for (let round = 0; round < 40; round += 1) {
    write(round % 2);
    const asked = await askedIn(50);
    assert.ok(asked.length <= 3, `${asked.length} requests for a record`);
    for (const { connection, partitions } of asked) assert.equal(partitions, connection === 2 ? 2 : PARTITIONS - 2);
  }
  assert.equal(delays.length, length + 40);
  await clock.advance(6_000);
  assert.ok(
    (await askedIn(1_000)).every(({ connection, partitions }) => connection === 1 && partitions === PARTITIONS),
  );
  loop.close();
});

test('what many partitions have at the same time, however regularly, leaves them at rest', async () => {
  const { clock, loop, write, askedIn, missing } = readAll();
  const ticking = Array.from({ length: 12 }, (_, index) => 12 + index);
  for (let round = 0; round < 400; round += 1) {
    write(0);
    if (round % 16 === 0) write(...ticking);
    await clock.advance(25);
  }
  const busy = (await askedIn(1_000)).filter(({ connection }) => connection === 2);
  assert.deepEqual(new Set(busy.map(({ partitions }) => partitions)), new Set([1]));
  assert.deepEqual(missing(), []);
  loop.close();
});

test('whatever comes to the busy ones while their request waits for records is read by the one before it meanwhile', async () => {
  const { clock, loop, write, askedIn, delays } = readAll();
  await clock.advance(250);
  for (const busy of [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]) {
    write(busy);
    await clock.advance(15);
  }
  assert.equal(delays.length, 11);
  assert.ok(
    delays.every((ms) => ms <= 5),
    delays.join(),
  );
  await clock.advance(200);
  assert.ok((await askedIn(300)).some(({ connection, partitions }) => connection === 2 && partitions === 3));
  loop.close();
});

type Step =
  | { readonly do: 'write'; readonly partition: number; readonly times: number }
  | { readonly do: 'stop' | 'start' | 'again'; readonly partition: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'cut' | 'restart' };

const partition = fc.nat(PARTITIONS - 1);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), partition: fc.nat(3), times: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('write' as const), partition, times: fc.nat(3) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(150) }) },
    fc.record({ do: fc.constant('wait' as const), ms: fc.constant(6_000) }),
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('stop' as const, 'start' as const, 'again' as const), partition }),
    },
    fc.record({ do: fc.constantFrom('cut' as const, 'restart' as const) }),
  ),
  { minLength: 20, maxLength: 80, size: 'max' },
);

test('whatever is busy, rests, stops, starts and breaks: every record comes once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const { clock, loop, broker, next, write, missing } = readAll();
      for (const step of script) {
        if (step.do === 'wait') await clock.advance(step.ms);
        else if (step.do === 'write') for (let times = step.times; times >= 0; times -= 1) write(step.partition);
        else if (step.do === 'stop') loop.stop('t', step.partition);
        else if (step.do === 'start') loop.start('t', step.partition, next.get(step.partition) ?? 0);
        else if (step.do === 'again') {
          next.delete(step.partition);
          loop.start('t', step.partition, 0);
        } else broker[step.do]();
      }
      for (let all = 0; all < PARTITIONS; all += 1) loop.start('t', all, next.get(all) ?? 0);
      await clock.advance(5_000);
      assert.deepEqual(missing(), []);
      loop.close();
    }),
    { numRuns: 60 },
  );
});
