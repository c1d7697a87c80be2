import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { whyWaiting, type LaneStand, type NotStarted } from './why-waiting.ts';

const open: LaneStand = { gate: 'open', heldUntil: 0, breakerOpen: false };
const due: NotStarted = { dueAt: 0, keptByOrder: false };

test('what keeps a delivery now is told, the nearest cause first', () => {
  const later = { ...due, dueAt: 11 };
  const cases: readonly (readonly [NotStarted, Partial<LaneStand>, WaitReason])[] = [
    [due, {}, WaitReason.LANE_FULL],
    [due, { heldUntil: 11 }, WaitReason.RATE_LIMITED],
    [due, { heldUntil: 10 }, WaitReason.LANE_FULL],
    [due, { heldUntil: 11, breakerOpen: true }, WaitReason.BREAKER_OPEN],
    [due, { gate: 'way-out', breakerOpen: true }, WaitReason.WAY_OUT],
    [later, { gate: 'way-out' }, WaitReason.RETRY],
    [later, { heldUntil: 20, breakerOpen: true }, WaitReason.RETRY],
    [{ ...later, keptByOrder: true }, {}, WaitReason.ORDER],
    [{ ...later, keptByOrder: true }, { gate: 'paused' }, WaitReason.PAUSED],
    [later, { gate: 'disabled' }, WaitReason.DISABLED],
    [due, { gate: 'cancel' }, WaitReason.DISABLED],
    [due, { gate: 'config' }, WaitReason.CONFIG],
  ];
  for (const [delivery, lane, reason] of cases)
    assert.equal(whyWaiting(delivery, { ...open, ...lane }, 10), reason, JSON.stringify([delivery, lane]));
});
