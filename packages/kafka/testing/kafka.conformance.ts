import { test } from 'node:test';
import { groupGuarantees, memberGuarantees } from './conformance-group.ts';
import { producingGuarantees } from './conformance-producing.ts';
import { readingGuarantees } from './conformance-reading.ts';
import { transactionGuarantees } from './conformance-transactions.ts';
import type { ConformanceHarness } from './conformance-harness.ts';

export type { ConformanceHarness } from './conformance-harness.ts';

/**
 * Registers one test per guarantee of the port. The in-memory cluster and the adapter on real brokers run the same list, so
 * what services are tested on is what they meet. `makeHarness` is called for each test.
 */
export function kafkaConformance(makeHarness: () => ConformanceHarness | Promise<ConformanceHarness>): void {
  const all = [
    ...producingGuarantees,
    ...transactionGuarantees,
    ...readingGuarantees,
    ...memberGuarantees,
    ...groupGuarantees,
  ];
  for (const guarantee of all) {
    test(guarantee.name, async () => {
      const harness = await makeHarness();
      const port = harness.connect();
      try {
        await guarantee.run(harness, port);
      } finally {
        await harness.settled(port[Symbol.asyncDispose]());
      }
    });
  }
}
