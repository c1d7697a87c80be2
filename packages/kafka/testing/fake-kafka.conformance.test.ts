import { createFakeClock } from './fake-clock.ts';
import { createFakeKafka } from './fake-kafka.ts';
import { kafkaConformance } from './kafka.conformance.ts';

kafkaConformance(() => {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
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
    connect: () => kafka.connect(),
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
  };
});
