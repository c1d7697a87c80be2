import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery } from '@postrider/contract/postrider/v1/delivery';
import fc from 'fast-check';
import { anyDelivery } from './delivery-arbitrary.ts';
import { boundsBroken } from './delivery-bounds.ts';
import { readDelivery } from './delivery-header.ts';
import { limits } from './limits.ts';
import { moveDelivery } from './move-delivery.ts';

const now = Date.UTC(2027, 0, 1);
const day = 86_400_000;
const year9999 = Date.UTC(9999, 11, 31);

function view(fields: Partial<Delivery>) {
  const delivery = Delivery.fromPartial({
    ...{ deliveryId: 'd', webhookId: 'w', tenant: 't', endpointId: 'e' },
    firstSeen: new Date(now - day),
    expiresAt: new Date(now + day),
    ...fields,
  });
  return readDelivery(Buffer.from(Delivery.encode(delivery).finish()));
}

test('what Postrider writes is within bounds: the longest span, the last attempt, a due time at the end', () => {
  assert.equal(boundsBroken(view({}), now), null);
  assert.equal(boundsBroken(view({ expiresAt: new Date(now - day + limits.retrySpanMaxMs) }), now), null);
  assert.equal(boundsBroken(view({ attempt: limits.retryAttemptsMax, internalFailures: 20 }), now), null);
  assert.equal(boundsBroken(view({ dueAt: new Date(now + day) }), now), null);
  // Long over is no broken bound: it expires.
  assert.equal(boundsBroken(view({ expiresAt: new Date(0), dueAt: new Date(0) }), now), null);
});

test('an end in the year 9999, and none at all, become the end of the longest span', () => {
  for (const expiresAt of [new Date(year9999), undefined])
    assert.deepEqual(boundsBroken(view({ expiresAt }), now), { expiresAt: now - day + limits.retrySpanMaxMs });
});

test('the span is counted from now when the delivery was first seen never, or in the future', () => {
  for (const firstSeen of [undefined, new Date(year9999)])
    assert.deepEqual(boundsBroken(view({ firstSeen, expiresAt: new Date(year9999) }), now), {
      expiresAt: now + limits.retrySpanMaxMs,
    });
});

test('a due time after the end becomes the end', () => {
  assert.deepEqual(boundsBroken(view({ dueAt: new Date(year9999) }), now), { dueAt: now + day });
});

test('counts that no schedule reaches become the most there can be: 2^31, and -1 as it reads', () => {
  for (const attempt of [2 ** 31, 2 ** 32 - 1])
    assert.deepEqual(boundsBroken(view({ attempt, internalFailures: attempt }), now), {
      attempt: limits.retryAttemptsMax,
      internalFailures: limits.internalFailuresMax,
    });
});

test('whatever a header says, what was brought back is within bounds, and ends within the longest span', () => {
  fc.assert(
    fc.property(anyDelivery, (delivery) => {
      const before = readDelivery(Buffer.from(Delivery.encode(delivery).finish()));
      const changes = boundsBroken(before, now);
      const after = changes === null ? before : readDelivery(moveDelivery(before.header, changes));
      assert.equal(boundsBroken(after, now), null);
      assert.ok(after.expiresAt !== null && after.expiresAt <= now + 60_000 + limits.retrySpanMaxMs);
      assert.ok((after.dueAt ?? 0) <= after.expiresAt || after.dueAt === null);
    }),
  );
});
