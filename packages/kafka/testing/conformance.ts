export { kafkaConformance } from './kafka.conformance.ts';
export { createRealHarness, realClock } from './real-harness.ts';
