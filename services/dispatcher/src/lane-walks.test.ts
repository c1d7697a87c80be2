/** Walks through many lanes at once, over a table that is busy or not as the test says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@postrider/core';
import { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { createFakeClock } from '@postrider/kafka/testing';
import { createLane, enqueue } from './lane.ts';
import { createLaneWalks, type LaneWalksOptions } from './lane-walks.ts';
import { RowIndex } from './row-index.ts';
import { createSlices } from './slices.ts';
import type { Work } from './work.ts';

const owner = { mayStart: () => true, start: () => true, takeDue: () => undefined };

test('many lanes that are cancelled while much is under way share one pause, and then each has its turn', async () => {
  const clock = createFakeClock();
  const table = { active: limits.walkActiveMax as number, rows: new RowIndex() };
  const cancelled: (string | undefined)[] = [];
  const walks = createLaneWalks({
    ...{ clock, slices: createSlices(clock), unsettled: { records: 0 }, table: () => table },
    ...{ reign: { draining: false, over: null }, ordering: { loaded: true } },
    endings: { cancel: ({ lane }: Work) => cancelled.push(lane?.endpointId) },
  } as unknown as LaneWalksOptions);
  const lanes = Array.from({ length: 1_000 }, (_, i) => createLane(owner, `ep_${i}`, 'acme'));
  for (const lane of lanes) {
    lane.gate = { kind: 'cancel', reason: CancelReason.TENANT_DELETED };
    for (let i = 0; i < 40; i += 1)
      enqueue(
        lane,
        { lane, bytes: 1, queuedIn: null, origin: { bulk: false, offset: 0 } } as unknown as Work,
        'arrivals',
      );
    walks.follow(lane);
  }
  await clock.advance(1_000);
  assert.equal(clock.timers, 1);
  assert.deepEqual(cancelled, []);
  table.active = 0;
  await clock.advance(1_000);
  assert.equal(cancelled.length, 40_000);
  // None waits until all before it are through.
  assert.equal(new Set(cancelled.slice(0, 16_000)).size, 1_000);
  assert.equal(clock.timers, 0);
  // A walk that begins when all were over has its turn too.
  const [lane] = lanes;
  assert.ok(lane);
  enqueue(lane, { lane, bytes: 1, queuedIn: null, origin: { bulk: false, offset: 0 } } as unknown as Work, 'arrivals');
  walks.follow(lane);
  await clock.advance(1_000);
  assert.equal(cancelled.length, 40_001);
});
