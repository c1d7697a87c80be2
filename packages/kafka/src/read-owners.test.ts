/** Who owns what, read from `ownership` as anybody may. Doubles: Kafka. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeClaim, encodeProgress } from '@postrider/core';
import { createFakeClock, createFakeKafka } from '../testing/index.ts';
import { readOwners } from './read-owners.ts';

const topic = 'postrider.ownership';

function world(partitions: number) {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  kafka.createTopic(topic, partitions);
  const append = (partition: number, key: string, value: Buffer): number =>
    kafka.append(topic, partition, { key: Buffer.from(key), value });
  return {
    clock,
    claim: (partition: number, processId: string, followsEpoch = -1) =>
      append(partition, 'owner', encodeClaim({ processId, randomId: Buffer.alloc(16, 1), followsEpoch })),
    progress(partition: number, processId: string, epoch: number, released = false) {
      const intake = new Map([['deliveries', { watermark: 7, doneAbove: Buffer.alloc(0) }]]);
      const told = {
        epoch,
        number: 1,
        processId,
        released,
        intake,
        tiers: new Map(),
        holds: [],
        address: `${processId}:1`,
      };
      append(partition, 'progress', encodeProgress(told));
    },
    async read(wanted?: readonly number[]) {
      const port = kafka.connect();
      let found: Awaited<ReturnType<typeof readOwners>> | undefined;
      const reading = readOwners(port, { topic, clock: port.clock, ...(wanted && { partitions: wanted }) });
      reading.then(
        (owners) => (found = owners),
        () => undefined,
      );
      await clock.advanceUntil(() => found !== undefined, 'the owners are read');
      return reading;
    },
  };
}

test('the newest valid claim owns; where it can be asked and what is done stands in its progress', async () => {
  const { claim, progress, read } = world(3);
  const first = claim(0, 'a');
  progress(0, 'a', first, true);
  const second = claim(0, 'b', first);
  progress(0, 'b', second);
  progress(1, 'a', claim(1, 'a'), false);
  const [zero, one, two] = await read();
  assert.deepEqual([zero?.processId, zero?.address, zero?.released], ['b', 'b:1', false]);
  assert.equal(zero?.watermarks.get('deliveries'), 7);
  assert.deepEqual([one?.processId, zero?.late], ['a', []]);
  assert.deepEqual([two?.processId, two?.address, two?.progressAt], [null, '', null]);
  assert.deepEqual(
    (await read([1])).map(({ partition }) => partition),
    [1],
  );
});

test('an owner that has had nothing to write for hours is found, and so is one that released', async () => {
  const { clock, claim, progress, read } = world(2);
  progress(0, 'idle', claim(0, 'idle'));
  progress(1, 'gone', claim(1, 'gone'), true);
  const at = clock.now();
  await clock.advance(5 * 3_600_000);
  const [idle, gone] = await read();
  assert.deepEqual([idle?.processId, idle?.address, idle?.progressAt], ['idle', 'idle:1', at]);
  assert.equal(gone?.released, true);
});

test('who writes for an older reign behind a newer claim is named, and takes nothing from its heir', async () => {
  const { claim, progress, read } = world(1);
  const first = claim(0, 'stopped');
  progress(0, 'stopped', first);
  const second = claim(0, 'heir', first);
  progress(0, 'heir', second);
  progress(0, 'stopped', first);
  const [owner] = await read();
  assert.deepEqual([owner?.processId, owner?.address, owner?.late], ['heir', 'heir:1', ['stopped']]);
});
