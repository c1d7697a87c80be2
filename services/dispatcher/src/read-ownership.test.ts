/** Takeovers of a partition whose `ownership` is long, on the fake Kafka and the fake clock. What may be observed: what was read of it, as the log tells, and where the next owner goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeClaim, encodeProgress } from '@postrider/core';
import { createHarness } from '../testing/harness.ts';

const topic = 'postrider.ownership';
const unusable = 'a record of ownership is not usable';

/** An owner before, with one progress a second for an hour, behind a record that is told of by whoever reads it. */
async function hourOfProgress(h: ReturnType<typeof createHarness>, released: boolean): Promise<void> {
  for (let i = 0; i < 3_600; i += 1) h.deliver(`order-${i}`, 'shop');
  h.kafka.append(topic, 0, { key: Buffer.from('owner'), value: Buffer.from('no claim') });
  const claim = encodeClaim({ processId: 'before', randomId: Buffer.alloc(16), followsEpoch: -1 });
  const epoch = h.kafka.append(topic, 0, { key: Buffer.from('owner'), value: claim });
  for (let number = 1; number <= 3_600; number += 1) {
    await h.clock.advance(1_000);
    const value = encodeProgress({
      ...{ epoch, number, processId: 'before', released: released && number === 3_600, tiers: new Map(), holds: [] },
      intake: new Map([['deliveries', { watermark: number, doneAbove: Buffer.alloc(0) }]]),
    });
    h.kafka.append(topic, 0, { key: Buffer.from('progress'), value });
  }
}

for (const [what, idleMs] of [
  ['just now', 0],
  ['three days ago', 3 * 86_400_000],
] as const) {
  test(`a takeover goes on from the newest progress and reads no more than that takes, when it was written ${what}`, async () => {
    const h = createHarness();
    h.config.endpoint('shop');
    await hourOfProgress(h, true);
    await h.clock.advance(idleMs);
    const b = await h.start('b');
    await h.until(() => h.ownership().processId === 'b', 'it owns');
    await h.clock.advance(5_000);
    assert.equal(h.receipts.length, 0);
    assert.equal(h.watermark(), 3_600);
    const told = h.log.lines.filter(({ message }) => message.includes(unusable));
    assert.equal(told.length, idleMs === 0 ? 0 : 1);
    await h.stop(b);
  });
}

test('a late record of an older owner that stands last does not hide the newest progress', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  await hourOfProgress(h, false);
  const older = encodeProgress({
    ...{ epoch: 0, number: 7, processId: 'long-gone', released: true, tiers: new Map(), holds: [] },
    intake: new Map([['deliveries', { watermark: 3, doneAbove: Buffer.alloc(0) }]]),
  });
  h.kafka.append(topic, 0, { key: Buffer.from('progress'), value: older });
  const b = await h.start('b');
  await h.until(() => h.ownership().processId === 'b', 'it owns');
  await h.clock.advance(5_000);
  assert.equal(h.receipts.length, 0);
  assert.equal(h.watermark(), 3_600);
  await h.stop(b);
});

test('a partition that was claimed and compacted before anybody wrote a progress is taken over', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.deliver('order-1', 'shop');
  let followsEpoch = -1;
  for (let i = 0; i < 2; i += 1) {
    const claim = encodeClaim({ processId: `before-${i}`, randomId: Buffer.alloc(16, i), followsEpoch });
    followsEpoch = h.kafka.append(topic, 0, { key: Buffer.from('owner'), value: claim });
  }
  await h.clock.advance(3 * 86_400_000);
  assert.equal(h.kafka.compact(topic), 1);
  const b = await h.start('b');
  await h.until(() => h.ownership().processId === 'b', 'it owns');
  await h.until(() => h.receipts.length === 1, 'what waited is delivered');
  await h.stop(b);
});
