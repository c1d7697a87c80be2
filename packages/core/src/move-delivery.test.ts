import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Delivery,
  OrderingMode,
  Outcome,
  PriorityClass,
  RowVersion,
  WaitReason,
} from '@postrider/contract/postrider/v1/delivery';
import fc from 'fast-check';
import { anyDelivery, damage, headerOf } from './delivery-arbitrary.ts';
import { readDelivery } from './delivery-header.ts';
import { isPostriderError } from './errors.ts';
import { compareRowVersions, encodeRowVersion, moveDelivery, readRowVersion } from './move-delivery.ts';
import type { DeliveryChanges } from './move-delivery.ts';

const known = <T extends string>(values: Readonly<Record<string, T>>) =>
  fc.constantFrom(...Object.values(values).filter((value) => value !== 'UNRECOGNIZED'));
const ms = fc.integer({ min: -(10 ** 12), max: 8 * 10 ** 15 });
const code = fc.string({ unit: 'grapheme', maxLength: 150 });

const anyChanges: fc.Arbitrary<DeliveryChanges> = fc.record(
  {
    endpointRevision: fc.nat().map(String),
    attempt: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    internalFailures: fc.nat(20),
    expiresAt: fc.option(ms),
    dueAt: fc.option(ms),
    last: fc.option(fc.record({ outcome: known(Outcome), status: fc.nat(999), code, endedAt: fc.option(ms) })),
    ordering: fc.option(
      fc.record({
        mode: known(OrderingMode),
        keyHash: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        seq: fc.maxSafeNat(),
      }),
    ),
    waitReason: known(WaitReason),
    layoutGeneration: fc.nat(),
    intake: fc.option(fc.record({ bulk: fc.boolean(), offset: fc.maxSafeNat() })),
    givenUp: fc.nat(9),
    priorityClass: known(PriorityClass),
  },
  { requiredKeys: [] },
);

/** The same changes by way of generated code. */
function changed(delivery: Delivery, changes: DeliveryChanges): Delivery {
  const date = (value: number | null) => (value === null ? undefined : new Date(value));
  const { expiresAt, dueAt, last, ordering, intake, ...plain } = changes;
  return {
    ...delivery,
    ...plain,
    ...(expiresAt !== undefined && { expiresAt: date(expiresAt) }),
    ...(dueAt !== undefined && { dueAt: date(dueAt) }),
    ...(last !== undefined && {
      last: last ? { ...last, endedAt: date(last.endedAt), _unknownFields: {} } : undefined,
    }),
    ...(ordering !== undefined && {
      ordering: ordering ? { ...ordering, seq: BigInt(ordering.seq), _unknownFields: {} } : undefined,
    }),
    ...(intake !== undefined && {
      intake: intake ? { ...intake, offset: BigInt(intake.offset), _unknownFields: {} } : undefined,
    }),
  };
}

test('a moved delivery differs in what was changed and in nothing else, fields of newer versions included', () => {
  fc.assert(
    fc.property(anyDelivery, anyChanges, (delivery, changes) => {
      const header = headerOf(delivery);
      const before = Buffer.from(header);
      const moved = moveDelivery(header, changes);
      assert.deepEqual(Delivery.decode(moved), changed(Delivery.decode(header), changes));
      assert.deepEqual(header, before);
      assert.equal(readDelivery(moved).attempt, changes.attempt ?? delivery.attempt);
    }),
    { numRuns: 1_000 },
  );
});

test('a delivery that is moved again and again does not grow', () => {
  fc.assert(
    fc.property(anyDelivery, anyChanges, (delivery, changes) => {
      const once = moveDelivery(headerOf(delivery), changes);
      assert.deepEqual(moveDelivery(once, changes).length, once.length);
    }),
  );
});

test('enum values of a newer version survive a move', () => {
  const header = Buffer.concat([
    headerOf(Delivery.fromPartial({ deliveryId: 'dlv_1', webhookId: 'msg_1', tenant: 'acme', endpointId: 'ep_1' })),
    Buffer.from([24, 99, 130, 1, 2, 8, 98]),
  ]);
  const moved = moveDelivery(header, { attempt: 3 });
  assert.equal(moved.includes(Buffer.from([24, 99])), true);
  assert.equal(moved.includes(Buffer.from([130, 1, 2, 8, 98])), true);
  assert.equal(Delivery.decode(moved).attempt, 3);
});

test('a value that has no number is refused rather than lost', () => {
  assert.throws(
    () => moveDelivery(Buffer.alloc(0), { waitReason: WaitReason.UNRECOGNIZED }),
    (error) => isPostriderError(error, 'invalid_argument'),
  );
});

test('a damaged header is moved or refused by name', () => {
  fc.assert(
    fc.property(anyDelivery, damage, anyChanges, (delivery, hurt, changes) => {
      try {
        moveDelivery(hurt(headerOf(delivery)), changes);
      } catch (error) {
        assert.ok(isPostriderError(error, 'header_unreadable'), String(error));
      }
    }),
    { numRuns: 1_000, endOnFailure: true },
  );
});

test('a row version is written and read as generated code does it', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (epoch, n) => {
      const header = encodeRowVersion(epoch, n);
      assert.deepEqual(header, Buffer.from(RowVersion.encode({ epoch: BigInt(epoch), n: BigInt(n) }).finish()));
      assert.deepEqual(readRowVersion(header), { epoch, n });
    }),
  );
  assert.ok(compareRowVersions({ epoch: 2, n: 1 }, { epoch: 1, n: 9 }) > 0);
  assert.ok(compareRowVersions({ epoch: 1, n: 1 }, { epoch: 1, n: 9 }) < 0);
  assert.equal(compareRowVersions({ epoch: 1, n: 9 }, { epoch: 1, n: 9 }), 0);
});

test('a row version that cannot be one is refused by name', () => {
  const negative = Buffer.from(RowVersion.encode({ epoch: -1n, n: 1n }).finish());
  const huge = Buffer.from(RowVersion.encode({ epoch: 1n, n: 2n ** 60n }).finish());
  for (const header of [negative, huge, Buffer.from([8]), Buffer.from([8, 255, 255]), Buffer.from([0, 0])]) {
    assert.throws(
      () => readRowVersion(header),
      (error) => isPostriderError(error, 'header_unreadable'),
    );
  }
});
