import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '../src/kafkajs/client.ts';
import { connectKafka } from '../src/kafkajs/connect.ts';
import { findCoordinator } from '../src/kafkajs/coordinator.ts';
import { deleteTopic, leaveGap } from '../src/kafkajs/testing/stock-client.ts';
import type { Clock } from '@postrider/core';
import type { ConformanceHarness } from './conformance-harness.ts';

const LIMIT_MS = 40_000;
const POLL_MS = 5;

/** Real time, for tests against real brokers. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** The conformance harness over the adapter and real brokers; `onWarning` hears what the adapter logs. */
export function createRealHarness(
  brokers: readonly string[],
  onWarning: (message: string) => void = () => undefined,
): ConformanceHarness {
  const logger = {
    debug: () => undefined,
    warn: (fields: object, message: string) => onWarning(`${message} ${String((fields as { err?: unknown }).err)}`),
  };
  const run = randomUUID().slice(0, 8);
  let names = 0;
  return {
    connect: () => connectKafka({ brokers, clientId: `conformance-${run}`, clock: realClock, logger }),
    async until(condition, what) {
      const start = performance.now();
      while (!condition()) {
        if (performance.now() - start > LIMIT_MS) throw new Error(`${what} did not come true in ${LIMIT_MS} ms`);
        await delay(POLL_MS);
      }
    },
    settled: async (promise) => promise,
    unique: (name) => `${name}-${run}-${names++}`,
    monotonic: () => realClock.monotonic(),
    leaveGap: (topic, partition) => leaveGap(brokers, topic, partition),
    deleteTopic: (topic) => deleteTopic(brokers, topic),
    async expel(groupId, memberId) {
      const client = createClient({ brokers }, `conformance-${run}`);
      try {
        const coordinator = await findCoordinator(client, groupId);
        await client.call(coordinator, 'LeaveGroup', { groupId, memberId });
      } finally {
        client.destroy();
      }
    },
  };
}
