import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFreshOffsets, createOffsetsAt } from './fresh-offsets.ts';
import type { OffsetRange } from '@postrider/kafka';

test('an answer is never older than the call, and calls that come together share one question', async () => {
  const asked: PromiseWithResolvers<readonly OffsetRange[]>[] = [];
  const fresh = createFreshOffsets(() => {
    const question = Promise.withResolvers<readonly OffsetRange[]>();
    asked.push(question);
    return question.promise;
  });
  const first = fresh('t');
  await Promise.resolve().then(() => undefined);
  assert.equal(asked.length, 1);
  const second = fresh('t');
  const third = fresh('t');
  asked[0]?.resolve([{ partition: 0, low: 0, high: 1 }]);
  assert.equal((await first)[0]?.high, 1);
  await new Promise<void>((resolve) => void setImmediate(resolve));
  assert.equal(asked.length, 2);
  asked[1]?.resolve([{ partition: 0, low: 0, high: 2 }]);
  assert.equal((await second)[0]?.high, 2);
  assert.equal((await third)[0]?.high, 2);
});

test('a question that fails fails for those who asked it, and the next one is asked anew', async () => {
  let times = 0;
  const fresh = createFreshOffsets(async () => {
    times += 1;
    if (times === 1) throw new Error('no broker');
    return [];
  });
  await assert.rejects(fresh('t'), /no broker/);
  assert.deepEqual(await fresh('t'), []);
});

test('partitions that are taken over together ask one question about the same time, and are told of no later one', async () => {
  const asked: number[] = [];
  const offsetsAt = createOffsetsAt(async (_topic, timestamp) => {
    asked.push(timestamp);
    return new Map([[0, 7]]);
  });
  const answers = await Promise.all([offsetsAt('t', 60_001), offsetsAt('t', 69_999), offsetsAt('t', 70_000)]);
  assert.deepEqual(asked, [60_000, 70_000]);
  assert.equal(answers[1]?.get(0), 7);
});
