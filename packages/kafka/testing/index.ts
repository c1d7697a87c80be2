export { createFakeClock } from './fake-clock.ts';
export { createFakeKafka } from './fake-kafka.ts';
export type { FakeClock } from './fake-clock.ts';
export type { FakeKafka, FakePort } from './fake-kafka.ts';
export type { ProduceAttempt, ProduceFault } from './fake-cluster.ts';
