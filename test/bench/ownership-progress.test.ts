import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOffsetRange } from '@postrider/core';
import { doneDeliveries } from './ownership-progress.ts';

test('what is done counts below and above the watermark, and other topics do not', () => {
  const range = createOffsetRange();
  for (let offset = 0; offset < 30; offset += 1) range.take(offset);
  for (const offset of [0, 1, 2, 5, 9, 10, 21, 29]) range.done(offset);
  const intake = new Map([
    ['deliveries', range.encode()],
    ['deliveries.bulk', { watermark: 100, doneAbove: Buffer.alloc(0) }],
  ]);
  const progress = { epoch: 1, number: 1, processId: 'p', released: true, intake, tiers: new Map(), holds: [] };
  assert.deepEqual(
    doneDeliveries([
      { progress, released: true },
      { progress: null, released: false },
    ]),
    { byPartition: [8, 0], total: 8, released: 1 },
  );
});
