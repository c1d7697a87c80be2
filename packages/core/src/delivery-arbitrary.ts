import {
  DeliveryKind,
  Delivery,
  OrderingMode,
  Outcome,
  PriorityClass,
  RunKind,
  WaitReason,
} from '@postrider/contract/postrider/v1/delivery';
import fc from 'fast-check';

const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 20 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 60, maxLength: 150 }) },
);
const id = fc.string({ unit: fc.constantFrom('a', 'b', '1'), minLength: 1, maxLength: 36 });
const offset = fc.oneof(fc.maxSafeNat(), fc.nat(300)).map(BigInt);
const time = fc.date({ noInvalidDate: true, min: new Date(-1e12), max: new Date(8e15) });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const oneOf = <T extends string>(values: Readonly<Record<string, T>>) =>
  fc.constantFrom(...Object.values(values).filter((value) => value !== 'UNRECOGNIZED'));

/** Fields that this version does not know, in the form that generated code keeps them in. */
const unknownFields = fc
  .dictionary(
    fc.integer({ min: 27, max: 3_000 }).map(String),
    fc.tuple(fc.constantFrom(0, 1, 2, 5), fc.uint8Array({ minLength: 8, maxLength: 8 })),
    {
      maxKeys: 3,
    },
  )
  .map((fields) => {
    const kept: { [key: number]: Uint8Array[] } = {};
    for (const [field, [wire, bytes]] of Object.entries(fields)) {
      const value =
        wire === 0
          ? bytes.map((byte, index) => (index < 7 ? byte | 0x80 : byte & 0x7f))
          : wire === 2
            ? Buffer.concat([Buffer.from([bytes.length]), bytes])
            : bytes.subarray(0, wire === 1 ? 8 : 4);
      kept[Number(field) * 8 + wire] = [value];
    }
    return kept;
  });

/** Any delivery that a router, a dispatcher or a newer version of either may write. For tests. */
export const anyDelivery: fc.Arbitrary<Delivery> = fc.record({
  deliveryId: id,
  run: maybe(fc.record({ kind: oneOf(RunKind), id: fc.oneof(fc.constant(''), text) })),
  kind: oneOf(DeliveryKind),
  webhookId: id,
  tenant: fc.oneof(
    id,
    text.filter((value) => value !== ''),
  ),
  endpointId: id,
  endpointRevision: fc.oneof(fc.constant(''), id),
  subscriptionIds: fc.array(id, { maxLength: 3 }),
  event: maybe(
    fc.record({
      id: text,
      source: text,
      type: text,
      subject: text,
      time: text,
      contentType: text,
      extensions: fc.dictionary(id, text, { maxKeys: 3, noNullPrototype: true }),
      dataSchema: text,
      _unknownFields: unknownFields,
    }),
  ),
  source: maybe(
    fc.record({
      cluster: text,
      topic: text,
      partition: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      offset,
      timestamp: maybe(time),
      bodySha256: fc.uint8Array({ maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
    }),
  ),
  firstSeen: maybe(time),
  expiresAt: maybe(time),
  dueAt: maybe(time),
  attempt: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  internalFailures: fc.nat(25),
  last: maybe(fc.record({ outcome: oneOf(Outcome), status: fc.nat(999), code: text, endedAt: maybe(time) })),
  ordering: maybe(
    fc.record({
      mode: oneOf(OrderingMode),
      keyHash: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      seq: offset,
    }),
  ),
  waitReason: oneOf(WaitReason),
  layoutGeneration: fc.nat(),
  priorityClass: oneOf(PriorityClass),
  traceparent: text,
  tracestate: text,
  hopCount: fc.nat(5),
  bodyEncryption: maybe(
    fc.record({
      algorithm: text,
      keyId: text,
      nonce: fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    }),
  ),
  intake: maybe(fc.record({ bulk: fc.boolean(), offset })),
  givenUp: fc.nat(9),
  _unknownFields: unknownFields,
});

/** The header of a delivery, as generated code writes it. */
export function headerOf(delivery: Delivery): Buffer {
  return Buffer.from(Delivery.encode(delivery).finish());
}

/** Damage: some bytes changed, a piece cut out, doubled, or cut off. */
export const damage: fc.Arbitrary<(bytes: Buffer) => Buffer> = fc
  .array(
    fc.record({
      kind: fc.constantFrom('set', 'cut', 'double', 'end'),
      at: fc.nat(),
      length: fc.nat(12),
      byte: fc.nat(255),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((steps) => (bytes) => {
    let damaged = Buffer.from(bytes);
    for (const { kind, at, length, byte } of steps) {
      const start = at % (damaged.length + 1);
      if (kind === 'set' && start < damaged.length) damaged[start] = byte;
      if (kind === 'cut') damaged = Buffer.concat([damaged.subarray(0, start), damaged.subarray(start + length)]);
      if (kind === 'double') damaged = Buffer.concat([damaged.subarray(0, start + length), damaged.subarray(start)]);
      if (kind === 'end') damaged = damaged.subarray(0, start);
    }
    return damaged;
  });
