/** Endpoints that are disabled, enabled and deleted while deliveries wait, on the fake Kafka. Observed: receipts, and topics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { EndpointState, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { createHarness, type Harness } from '../testing/harness.ts';

const cancels = { state: EndpointState.DISABLED, pending: PendingPolicy.CANCEL };
const delays = { $case: 'delays' as const, value: { delays: [{ seconds: 300n, nanos: 0 }] } };

const cancelled = (h: Harness) =>
  h.attempts().flatMap(({ decision }) => {
    const what = decision?.decision;
    return what?.$case === 'cancelled' ? [what.value.reason] : [];
  });

test('enabled again, what was pending when it was disabled without keeping is cancelled, however late that is seen', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: delays } });
  h.endpointsAnswer(() => 500);
  h.deliver('retried', 'shop');
  const a = await h.start('a');
  await h.until(() => h.allRows().length === 1, 'a retry waits');
  await h.stop(a);
  // Nobody owns the partition while it is disabled and enabled again.
  h.deliver('unread', 'shop');
  h.config.endpoint('shop', cancels);
  h.config.endpoint('shop', { cancelsBelow: String(Number(h.config.revision()) + 1) });
  h.endpointsAnswer(() => 200);
  h.deliver('new', 'shop');
  const b = await h.start('b');
  await h.until(() => h.watermark() === 3 && h.allRows().length === 0, 'everything has ended', 600_000);
  assert.deepEqual(cancelled(h), [CancelReason.ENDPOINT_DISABLED, CancelReason.ENDPOINT_DISABLED]);
  assert.deepEqual(
    ['retried', 'unread', 'new'].map((event) => h.received(event).length),
    [1, 0, 1],
  );
  await h.stop(b);
});
