/** The fake store, held to the suite that the real one passes in test/integration/redis.test.ts. */
import { createFakeClock } from '@postrider/kafka/testing';
import { doneStoreConformance } from '../testing/done-store-conformance.ts';
import { createFakeDoneStore } from '../testing/fake-done-store.ts';

doneStoreConformance('fake', async () => {
  const clock = createFakeClock();
  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    while (!(await condition())) await clock.advance(10);
  };
  return { store: createFakeDoneStore(clock), until };
});
