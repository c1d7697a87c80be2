import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { every } from '@postrider/core';
import { createFakeKafka, type FakeKafka } from './fake-kafka.ts';
import { kafkaConformance } from './kafka.conformance.ts';
import type { ConformanceHarness } from './conformance-harness.ts';

for (const create of [undefined, simulated]) kafkaConformance(() => harness(create));

/** As simulations use it: everything takes its time, and heartbeats in good health are computed. */
function simulated(clock: FakeClock): FakeKafka {
  // Time must pass for what waits for computed heartbeats, too.
  every(clock, 100, () => undefined);
  let step = 0;
  return createFakeKafka({ clock, computedHeartbeats: true, latency: () => (step += 7) % 20 });
}

function harness(create: ((clock: FakeClock) => FakeKafka) | undefined): ConformanceHarness {
  const clock = createFakeClock();
  const kafka = create?.(clock) ?? createFakeKafka({ clock });
  let names = 0;
  let moving: Promise<unknown> = Promise.resolve();
  // One move of the clock at a time, also when a test waits for two things at once.
  const until = async (condition: () => boolean, what: string): Promise<void> => {
    const before = moving;
    const move = (async () => {
      await before.catch(() => undefined);
      await clock.advanceUntil(condition, what);
    })();
    moving = move;
    return move;
  };
  return {
    connect: () => kafka.connect('process', { idleMs: create === undefined ? 0 : 20_000 }),
    until,
    async settled(promise) {
      let settled = false;
      const mark = () => void (settled = true);
      promise.then(mark, mark);
      await until(() => settled, 'the answer');
      return await promise;
    },
    unique: (name) => `${name}-${names++}`,
    monotonic: () => clock.monotonic(),
    async leaveGap(topic, partition) {
      kafka.skipOffset(topic, partition);
    },
    async deleteTopic(topic) {
      kafka.deleteTopic(topic);
    },
    async expel(groupId, memberId) {
      kafka.expel(groupId, memberId);
    },
  };
}
