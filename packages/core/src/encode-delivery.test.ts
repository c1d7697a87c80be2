import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery, DeliveryKind, PriorityClass, RunKind } from '@postrider/contract/postrider/v1/delivery';
import fc from 'fast-check';
import { anyDelivery } from './delivery-arbitrary.ts';
import { encodeEventFields, encodeNewDelivery } from './encode-delivery.ts';

/** A delivery as a router writes it: of an event, for the first time, with nothing known of any attempt. */
const anyNew = anyDelivery.map((delivery): Delivery => {
  const { event, source } = delivery;
  return Delivery.fromPartial({
    ...{ deliveryId: delivery.deliveryId, endpointId: delivery.endpointId, webhookId: delivery.webhookId },
    ...{ tenant: delivery.tenant, endpointRevision: delivery.endpointRevision },
    ...{ subscriptionIds: delivery.subscriptionIds, hopCount: delivery.hopCount },
    ...{ ordering: delivery.ordering, layoutGeneration: delivery.layoutGeneration },
    ...{ traceparent: delivery.traceparent, tracestate: delivery.tracestate },
    ...{ run: { kind: RunKind.FIRST }, kind: DeliveryKind.EVENT, priorityClass: PriorityClass.LIVE },
    event: { ...event, extensions: event?.extensions ?? {}, _unknownFields: {} },
    source: { ...source, offset: source?.offset ?? 0n, timestamp: source?.timestamp },
    firstSeen: delivery.firstSeen ?? new Date(0),
    expiresAt: delivery.expiresAt ?? new Date(1),
  });
});

/** Field order aside, as generated code writes and reads it. */
const readBack = (delivery: Delivery): Delivery => Delivery.decode(Delivery.encode(delivery).finish());

test('generated code reads from a new delivery what it would have written itself', () => {
  fc.assert(
    fc.property(anyNew, (delivery) => {
      const { event, source, firstSeen, expiresAt } = delivery;
      if (event === undefined || source === undefined) throw new Error('both are always there');
      const shared = encodeEventFields({
        ...delivery,
        ...{ attributes: event, source, firstSeen: firstSeen?.getTime() ?? 0 },
      });
      const header = encodeNewDelivery(shared, { ...delivery, expiresAt: expiresAt?.getTime() ?? 0 });
      assert.deepEqual(Delivery.decode(header), readBack(delivery));
    }),
  );
});

test('what is shared by the deliveries of an event is not touched by any of them', () => {
  const [delivery] = fc.sample(anyNew, { numRuns: 1, seed: 1 }) as [Delivery];
  const { event, source } = delivery;
  if (event === undefined || source === undefined) throw new Error('both are always there');
  const shared = encodeEventFields({ ...delivery, attributes: event, source, firstSeen: 1_000 });
  const before = Buffer.from(shared);
  const of = (endpointId: string) =>
    Delivery.decode(encodeNewDelivery(shared, { ...delivery, endpointId, expiresAt: 2_000 }));
  assert.deepEqual([of('ep_1').endpointId, of('ep_2').endpointId], ['ep_1', 'ep_2']);
  assert.deepEqual(shared, before);
});
