export { kafkaConformance } from './kafka.conformance.ts';
export { createRealHarness, realClock } from './real-harness.ts';
export { writeAndReadThrough } from './kafka-faults.ts';
export type { BreakableCluster, FaultReport } from './kafka-faults.ts';
