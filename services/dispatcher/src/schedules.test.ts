/** Retry schedules from first attempt to last, days long, on the fake Kafka. Observed: when requests arrived, and topics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { durationOf } from '@postrider/core';
import type { RetryPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { createHarness } from '../testing/harness.ts';

const second = 1_000;
const hour = 3_600 * second;
const day = 24 * hour;
const jitter = 0.01;

const listed = [0, 0, 10 * second, 120 * second, 3 * hour, 6 * day, 7 * day];
const grown = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 5 * day, 5 * day];

const schedules: readonly (readonly [what: string, schedule: RetryPolicy['schedule'], delays: readonly number[]])[] = [
  ['a list with immediate repeats', { $case: 'delays', value: { delays: listed.map(durationOf) } }, listed],
  [
    'delays that grow up to a cap',
    { $case: 'exponential', value: { base: durationOf(100), factor: 10, cap: durationOf(5 * day), attempts: 10 } },
    grown,
  ],
  ['one attempt', { $case: 'delays', value: { delays: [] } }, []],
];

for (const [what, schedule, delays] of schedules) {
  test(`${what}: every attempt is made, none early, none late, across owners that come and go`, async () => {
    const h = createHarness();
    h.config.endpoint('shop', { retryPolicy: { schedule, jitter, retrySpan: durationOf(14 * day) } });
    h.endpointsAnswer(() => 503);
    h.deliver('order-1', 'shop');
    let owner = await h.start('a');
    for (const [index, delay] of delays.entries()) {
      await h.until(() => h.attempts().length === index + 1, `attempt ${index + 1}`, hour + delay * jitter);
      await h.until(() => delay < hour || h.allRows().length === 1, 'its row');
      const ended = h.clock.now();
      if (delay >= hour) {
        // Every other one is killed; nothing is in flight, so that nothing may be repeated.
        await h.clock.advance(3 * second);
        if (index % 2 === 0) owner.port.kill();
        else await h.stop(owner);
        owner = await h.start(`after-${index}`);
        // Most of the time passes on the wall clock alone.
        h.clock.stepWallClock(delay - 600 * second);
      }
      await h.until(() => h.receipts.length === index + 2, `request ${index + 2}`, hour + delay * jitter);
      const waited = (h.receipts[index + 1]?.at ?? 0) - ended;
      const latest = delay * (1 + jitter) + Math.max(second, delay * 0.02) + second;
      assert.ok(waited >= delay - second && waited <= latest, `repetition ${index} after ${waited} ms, not ${delay}`);
    }
    await h.until(() => h.deadLetters().length === 1, 'it is given up', day);
    assert.deepEqual(
      h.receipts.map(({ attempt }) => attempt),
      [...delays.keys(), delays.length].map((index) => index + 1),
    );
    const [dead] = h.deadLetters();
    assert.deepEqual([dead?.letter.reason, dead?.letter.delivery?.attempt], [DeadReason.EXHAUSTED, delays.length + 1]);
    await h.until(() => h.allRows().length === 0, 'no row is left');
    await h.stop(owner);
  });
}

test('a schedule that is longer than its span ends with the span', async () => {
  const h = createHarness();
  const delays = [10 * second, 60 * second, 60 * second].map(durationOf);
  h.config.endpoint('shop', { retryPolicy: { schedule: { $case: 'delays', value: { delays } } } });
  h.endpointsAnswer(() => 500);
  h.deliver('order-1', 'shop', { expiresAt: new Date(h.clock.now() + 40 * second) });
  const owner = await h.start('a');
  await h.until(() => h.deadLetters().length === 1, 'it is given up');
  assert.deepEqual(h.deadLetters()[0]?.letter.reason, DeadReason.EXPIRED);
  assert.equal(h.receipts.length, 2);
  assert.ok(h.clock.now() < (h.receipts[0]?.at ?? 0) + 40 * second);
  await h.stop(owner);
});

test('a retry that falls due because the wall clock steps forwards is made within a second or two', async () => {
  const h = createHarness();
  h.config.endpoint('shop', {
    retryPolicy: { schedule: { $case: 'delays', value: { delays: [durationOf(hour)] } }, jitter: 0 },
  });
  h.endpointsAnswer((_, earlier) => (earlier === 0 ? 503 : 200));
  h.deliver('order-1', 'shop');
  const owner = await h.start('a');
  await h.until(() => h.allRows().length === 1, 'it waits');
  h.clock.stepWallClock(hour);
  await h.clock.advance(2 * second);
  assert.equal(h.receipts.length, 2);
  await h.stop(owner);
});
