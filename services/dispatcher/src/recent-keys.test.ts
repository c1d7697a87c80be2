import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createHarness } from '../testing/harness.ts';
import { deliveryRecord } from '../testing/test-records.ts';
import { createRecentKeys } from './recent-keys.ts';

test('a key is known until reading has gone on for a while, and as long as there is room', () => {
  const keys = createRecentKeys({ keysMax: 3, ageMs: 100 });
  for (const key of ['a', 'b', 'c', 'd']) keys.add('deliveries', key);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => keys.has(key)),
    [false, true, true, true],
  );
  keys.readTo('deliveries', 50);
  keys.add('deliveries', 'b');
  keys.readTo('deliveries', 101);
  keys.add('deliveries', 'e');
  assert.deepEqual(
    ['b', 'c', 'd', 'e'].map((key) => keys.has(key)),
    [true, false, false, true],
  );
});

test('each topic is read at its own pace: what is read of one makes nothing older that stands on the other', () => {
  const keys = createRecentKeys({ keysMax: 3, ageMs: 100 });
  keys.add('deliveries.bulk', 'a');
  keys.readTo('deliveries', 1_000);
  for (const key of ['b', 'c', 'd', 'e']) keys.add('deliveries', key);
  keys.add('deliveries.bulk', 'f');
  assert.equal(keys.has('a'), true);
  assert.equal(keys.has('b'), false);
});

/** The same by a list, the oldest first. */
function createKeyList(keysMax: number, ageMs: number) {
  let list: { readonly key: string; readonly at: number }[] = [];
  let now = 0;
  return {
    readTo: (time: number) => void (now = Math.max(now, time)),
    has: (key: string) => list.some((one) => one.key === key),
    add(key: string): void {
      list = [...list.filter((one) => one.key !== key), { key, at: now }];
      for (let turn = 0; turn < 2; turn += 1)
        if (list.length > keysMax || now - (list[0]?.at ?? now) > ageMs) list.shift();
    },
  };
}

test('whatever is added in whatever order, what is remembered is the newest, and nothing else', () => {
  const id = (digit: number): string => `dlv_${digit.toString(16).repeat(32)}`;
  const keys = fc.oneof(
    fc.integer({ min: 1, max: 15 }).map(id),
    fc.tuple(fc.integer({ min: 1, max: 15 }), fc.constantFrom('run-1', 'run-2')).map(([n, run]) => `${id(n)}/${run}`),
    fc.constantFrom('', 'no id', id(0)),
  );
  const steps = fc.array(fc.tuple(keys, fc.nat(30)), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (list) => {
      const known = createRecentKeys({ keysMax: 12, ageMs: 100 });
      const expected = createKeyList(12, 100);
      let time = 0;
      for (const [key, passed] of list) {
        time += passed;
        known.readTo('deliveries', time);
        expected.readTo(time);
        known.add('deliveries', key);
        expected.add(key);
        for (const [other] of list) assert.equal(known.has(other), expected.has(other), other);
      }
    }),
    { numRuns: 50 },
  );
});

test("an owner whose reading stood still for long knows a router's repeat all the same", async () => {
  const world = createHarness();
  world.config.endpoint('shop');
  const dispatcher = await world.start('pod-0');
  const routedAt = world.clock.now();
  const write = (event: string, timestamp: number): void => {
    const { key, value, headers } = deliveryRecord(event, 'shop', timestamp, '{}', {
      endpointRevision: world.config.revision(),
    });
    world.kafka.append('postrider.deliveries', 0, { key, value, headers, timestamp });
  };
  write('event-1', routedAt);
  await world.until(() => world.watermark() === 1, 'the first is done');
  await world.clock.advance(12 * 60_000);
  // What the broker had taken in long before: it is read only now.
  write('event-2', routedAt + 30_000);
  await world.until(() => world.watermark() === 2, 'the second is done');
  write('event-1', routedAt + 60_000);
  await world.until(() => world.watermark() === 3, 'the repeat is done');
  assert.equal(world.received('event-1').length, 1);
  await world.stop(dispatcher);
});
