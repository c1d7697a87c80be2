import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attempt, CancelReason, DeadReason } from '@postrider/contract/postrider/v1/attempt';
import {
  Delivery,
  DeliveryKind,
  OrderingMode,
  Outcome,
  PriorityClass,
  RunKind,
  WaitReason,
} from '@postrider/contract/postrider/v1/delivery';
import fc from 'fast-check';
import { anyDelivery, damage, headerOf } from './delivery-arbitrary.ts';
import { eventOf, readDelivery, sourceOf } from './delivery-header.ts';
import { enumNumbers, enumTable } from './enum-table.ts';
import { isPostriderError } from './errors.ts';

/** What the hand codec must say of a delivery that generated code has read. */
function expected(delivery: Delivery) {
  const ms = (date: Date | undefined) => date?.getTime() ?? null;
  const { event, last, ordering, intake, run } = delivery;
  return {
    deliveryId: delivery.deliveryId,
    runKind: !run || run.kind === RunKind.UNSPECIFIED ? RunKind.FIRST : run.kind,
    runId: run?.id ?? '',
    kind: delivery.kind === DeliveryKind.UNSPECIFIED ? DeliveryKind.EVENT : delivery.kind,
    webhookId: delivery.webhookId,
    tenant: delivery.tenant,
    endpointId: delivery.endpointId,
    endpointRevision: delivery.endpointRevision,
    eventType: event?.type ?? '',
    contentType: event?.contentType ?? '',
    firstSeen: ms(delivery.firstSeen),
    expiresAt: ms(delivery.expiresAt),
    dueAt: ms(delivery.dueAt),
    attempt: delivery.attempt,
    internalFailures: delivery.internalFailures,
    last: last ? { outcome: last.outcome, status: last.status, code: last.code, endedAt: ms(last.endedAt) } : null,
    ordering: ordering ? { mode: ordering.mode, keyHash: ordering.keyHash, seq: Number(ordering.seq) } : null,
    waitReason: delivery.waitReason,
    layoutGeneration: delivery.layoutGeneration,
    priorityClass: delivery.priorityClass === PriorityClass.UNSPECIFIED ? PriorityClass.LIVE : delivery.priorityClass,
    traceparent: delivery.traceparent,
    tracestate: delivery.tracestate,
    hopCount: delivery.hopCount,
    bodyEncrypted: delivery.bodyEncryption !== undefined,
    intake: intake ? { bulk: intake.bulk, offset: Number(intake.offset) } : null,
    givenUp: delivery.givenUp,
  };
}

function seen(header: Buffer) {
  const { header: kept, eventStart, eventEnd, sourceStart, sourceEnd, ...view } = readDelivery(header);
  assert.equal(kept, header);
  assert.ok(eventStart <= eventEnd && sourceStart <= sourceEnd);
  return view;
}

test('a header reads as the generated decoder reads it', () => {
  fc.assert(
    fc.property(anyDelivery, (delivery) => {
      const header = headerOf(delivery);
      assert.deepEqual(seen(header), expected(Delivery.decode(header)));
      const view = readDelivery(header);
      if (delivery.event) assert.deepEqual(eventOf(view), Delivery.decode(header).event);
      assert.deepEqual(sourceOf(view), Delivery.decode(header).source);
    }),
    { numRuns: 1_000 },
  );
});

test('a damaged header is read, or refused by name; nothing else happens, and what is read of a sound one is right', () => {
  const tally = { refused: 0, same: 0, around: 0 };
  const check = (header: Buffer): void => {
    let view;
    try {
      view = readDelivery(header);
    } catch (error) {
      assert.ok(isPostriderError(error, 'header_unreadable'), String(error));
      tally.refused++;
      return;
    }
    for (const part of [eventOf, sourceOf]) {
      try {
        part(view);
      } catch (error) {
        assert.ok(isPostriderError(error, 'header_unreadable'), String(error));
      }
    }
    const generated = decoded(header);
    if (generated === null) tally.around++;
    else {
      assert.deepEqual(seen(header), expected(generated));
      tally.same++;
    }
  };
  const settings = { numRuns: 4_000, endOnFailure: true };
  fc.assert(
    fc.property(anyDelivery, damage, (delivery, hurt) => check(hurt(headerOf(delivery)))),
    settings,
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => check(Buffer.from(bytes))),
    settings,
  );
  assert.ok(tally.refused > 500 && tally.same > 50 && tally.around > 50, JSON.stringify(tally));
});

test('of a field that is there twice the last one holds', () => {
  fc.assert(
    fc.property(anyDelivery, anyDelivery, (first, second) => {
      const header = Buffer.concat([headerOf(first), headerOf(second)]);
      assert.deepEqual(seen(header), expected(Delivery.decode(header)));
    }),
  );
});

/**
 * What generated code reads; null where it is no judge: damage in what the hand codec steps over, or an inner message
 * past whose end it has read. It judges where it writes the very bytes that it has read.
 */
function decoded(header: Buffer): Delivery | null {
  try {
    const delivery = Delivery.decode(header);
    return headerOf(delivery).equals(header) ? delivery : null;
  } catch {
    return null;
  }
}

test('a header without its ids is unreadable, and the message says which one is missing', () => {
  const whole = { deliveryId: 'dlv_1', webhookId: 'msg_1', tenant: 'acme', endpointId: 'ep_1' };
  for (const [name, field] of [
    ['deliveryId', 'delivery_id'],
    ['webhookId', 'webhook_id'],
    ['tenant', 'tenant'],
    ['endpointId', 'endpoint_id'],
  ] as const) {
    const header = headerOf(Delivery.fromPartial({ ...whole, [name]: '' }));
    assert.throws(
      () => readDelivery(header),
      (error) => isPostriderError(error, 'header_unreadable') && error.message.includes(field),
    );
  }
  assert.equal(readDelivery(headerOf(Delivery.fromPartial(whole))).tenant, 'acme');
});

test('an enum value of a newer version is UNRECOGNIZED and unset ones have their documented meaning', () => {
  const base = headerOf(
    Delivery.fromPartial({ deliveryId: 'dlv_1', webhookId: 'msg_1', tenant: 'acme', endpointId: 'ep_1' }),
  );
  const unset = readDelivery(base);
  assert.deepEqual(
    [unset.runKind, unset.kind, unset.priorityClass],
    [RunKind.FIRST, DeliveryKind.EVENT, PriorityClass.LIVE],
  );
  const newer = readDelivery(Buffer.concat([base, Buffer.from([24, 99, 144, 1, 98, 160, 1, 97, 18, 2, 8, 96])]));
  assert.deepEqual(
    [newer.kind, newer.waitReason, newer.priorityClass, newer.runKind],
    [DeliveryKind.UNRECOGNIZED, WaitReason.UNRECOGNIZED, PriorityClass.UNRECOGNIZED, RunKind.UNRECOGNIZED],
  );
});

test('generated enums list their values in the order of their numbers', () => {
  for (const [field, values, wrap] of [
    [24, DeliveryKind, (number: number) => Delivery.decode(Buffer.from([24, number])).kind],
    [144, WaitReason, (number: number) => Delivery.decode(Buffer.from([144, 1, number])).waitReason],
    [160, PriorityClass, (number: number) => Delivery.decode(Buffer.from([160, 1, number])).priorityClass],
    [18, RunKind, (number: number) => Delivery.decode(Buffer.from([18, 2, 8, number])).run?.kind],
    [130, Outcome, (number: number) => Delivery.decode(Buffer.from([130, 1, 2, 8, number])).last?.outcome],
    [138, OrderingMode, (number: number) => Delivery.decode(Buffer.from([138, 1, 2, 8, number])).ordering?.mode],
    [26, DeadReason, (number: number) => decisionReason(Attempt.decode(Buffer.from([66, 4, 26, 2, 8, number])))],
    [34, CancelReason, (number: number) => decisionReason(Attempt.decode(Buffer.from([66, 4, 34, 2, 8, number])))],
  ] as const) {
    const table = enumTable<string>(values);
    assert.deepEqual(
      table.map((_, number) => wrap(number)),
      table,
      `field key ${field}`,
    );
    assert.equal(wrap(table.length), 'UNRECOGNIZED', 'every value is in the table');
    assert.equal(enumNumbers<string>(values).get(table[1]!), 1);
  }
});

function decisionReason({ decision }: Attempt): string | undefined {
  const inner = decision?.decision;
  return inner?.$case === 'dead' || inner?.$case === 'cancelled' ? inner.value.reason : undefined;
}
