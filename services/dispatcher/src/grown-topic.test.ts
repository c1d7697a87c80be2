/** Topics of which an operator has grown one, on the fake Kafka. What may be observed: requests, and what the dispatcher owns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHarness } from '../testing/harness.ts';

for (const topic of ['postrider.ownership', 'postrider.deliveries', 'postrider.retry.1h']) {
  test(`${topic} with more partitions than the others has no more owners`, async () => {
    const h = createHarness({ grown: { [topic]: 2 } });
    h.config.endpoint('shop');
    h.deliver('order-1', 'shop');
    const a = await h.start('a');
    await h.until(() => h.receipts.length === 1, 'it is delivered');
    await h.clock.advance(30_000);
    assert.deepEqual(a.ready().detail, { serving: 1 });
    assert.equal(h.ownership().epoch, 0);
    await h.stop(a);
  });
}
