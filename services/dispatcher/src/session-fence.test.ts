import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { createSessionFence } from './session-fence.ts';

function fenceOf() {
  const clock = createFakeClock();
  const member = { lastHeartbeatSentAt: clock.monotonic(), sessionTimeoutMs: 10_000 };
  return { clock, member, fence: createSessionFence(clock, member) };
}

test('the fence is open while the last answered heartbeat was sent less than 80 % of the session ago', async () => {
  const { clock, member, fence } = fenceOf();
  await clock.advance(7_999);
  assert.equal(fence.open(), true);
  assert.equal(fence.term, 0);
  member.lastHeartbeatSentAt = clock.monotonic();
  await clock.advance(8_000);
  assert.equal(fence.open(), false);
  assert.equal(fence.term, 1);
});

test('a heartbeat after a closed fence opens it in a new term', async () => {
  const { clock, member, fence } = fenceOf();
  await clock.advance(9_000);
  assert.equal(fence.open(), false);
  member.lastHeartbeatSentAt = clock.monotonic();
  assert.equal(fence.open(), true);
  assert.equal(fence.term, 1);
});

test('a process that stood still is found out even when its first look comes after a fresh join', async () => {
  const { clock, member, fence } = fenceOf();
  await clock.advance(60_000);
  member.lastHeartbeatSentAt = clock.monotonic();
  assert.equal(fence.open(), true);
  assert.equal(fence.term, 1);
});
