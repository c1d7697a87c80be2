import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drainLimitMs, limits } from './limits.ts';
import { createSessionFence } from './session-fence.ts';

function fenceOf(sessionTimeoutMs = 10_000) {
  let now = 1_000;
  const member = {
    lastHeartbeatSentAt: now,
    sessionTimeoutMs,
    membership: { memberId: 'one', generation: 4 },
  };
  const fence = createSessionFence({ monotonic: () => now }, member);
  const pass = (ms: number) => {
    now += ms;
  };
  const heard = (membership = member.membership) => Object.assign(member, { lastHeartbeatSentAt: now, membership });
  return { fence, pass, heard };
}

test('the fence is open while the last answered heartbeat was sent less than 80 % of the session ago', () => {
  const { fence, pass, heard } = fenceOf();
  pass(7_999);
  assert.equal(fence.open(), true);
  heard();
  pass(8_000);
  assert.equal(fence.open(), false);
});

test('however long the session is, the fence is closed, and so is that of who was named meanwhile, before the listed is waited for no more', () => {
  for (const sessionTimeoutMs of [3_000, 30_000, 300_000]) {
    const { fence, pass } = fenceOf(sessionTimeoutMs);
    pass((drainLimitMs() + limits.drainSlackMs) / 2);
    assert.equal(fence.open(), false, `${sessionTimeoutMs} ms`);
  }
});

test('an answer from the same generation opens a closed fence in the same term: nobody else was named', () => {
  const { fence, pass, heard } = fenceOf();
  pass(25_000);
  assert.equal(fence.open(), false);
  heard();
  assert.equal(fence.open(), true);
  assert.equal(fence.term, 0);
});

test('so does the very next generation under the same id, however long the group took to make it', () => {
  const { fence, pass, heard } = fenceOf();
  pass(25_000);
  heard({ memberId: 'one', generation: 5 });
  assert.equal(fence.open(), true);
  assert.equal(fence.term, 0);
});

test('a generation that was not told begins a new term, unless no time has passed in which another could have acted', () => {
  const late = fenceOf();
  late.pass(8_000);
  late.heard({ memberId: 'one', generation: 6 });
  assert.equal(late.fence.open(), true);
  assert.equal(late.fence.term, 1);

  const early = fenceOf();
  early.pass(7_999);
  early.heard({ memberId: 'one', generation: 6 });
  assert.equal(early.fence.open(), true);
  assert.equal(early.fence.term, 0);
});

test('another id begins a new term, even when it comes at once: the group had taken the member for dead', () => {
  const { fence, pass, heard } = fenceOf();
  pass(60_000);
  heard({ memberId: 'two', generation: 5 });
  assert.equal(fence.open(), true);
  assert.equal(fence.term, 1);
  const quick = fenceOf();
  quick.heard({ memberId: 'two', generation: 5 });
  assert.equal(quick.fence.open(), true);
  assert.equal(quick.fence.term, 1);
});
