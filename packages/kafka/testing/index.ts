export { createBacklogKafka } from './backlog-kafka.ts';
export { createFakeClock, settled, settleMicrotasks } from './fake-clock.ts';
export { createFakeKafka } from './fake-kafka.ts';
export type { BacklogKafka } from './backlog-kafka.ts';
export type { FakeClock } from './fake-clock.ts';
export type { FakeKafka, FakePort } from './fake-kafka.ts';
export type { ProduceAttempt, ProduceFault, Travel } from './fake-cluster.ts';
export type { AskFault, Question } from './fake-process.ts';
