import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attempt, CancelReason, DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { Delivery, DeliveryKind, Outcome, RunKind } from '@postrider/contract/postrider/v1/delivery';
import fc from 'fast-check';
import { encodeAttempt } from './attempt-codec.ts';
import type { AttemptFields } from './attempt-codec.ts';
import { anyDelivery, headerOf } from './delivery-arbitrary.ts';
import { readDelivery } from './delivery-header.ts';
import { maskHeaders } from './kept-headers.ts';

const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 200 }) },
  { weight: 1, arbitrary: fc.string({ minLength: 100, maxLength: 20_000 }) },
);
const known = <T extends string>(values: Readonly<Record<string, T>>) =>
  fc.constantFrom(...Object.values(values).filter((value) => value !== 'UNRECOGNIZED'));
const time = fc.integer({ min: 0, max: 8 * 10 ** 15 });
const duration = fc.option(
  fc.oneof(fc.integer({ min: 0, max: 120_000 }), fc.double({ min: 0, max: 60_000, noNaN: true })),
);
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const few = fc.constantFrom('x-a', 'x-b', 'set-cookie');
const headers = fc
  .array(fc.tuple(fc.oneof(text, few), fc.oneof(text, few)), { maxLength: 6 })
  .map((pairs) => pairs.flat());

const anyAttempt = fc.record({
  delivery: anyDelivery.map((delivery) => readDelivery(headerOf(delivery))),
  attemptId: text,
  number: fc.nat(),
  startedAt: time,
  timings: fc.record({ queued: duration, connect: duration, firstByte: duration, total: duration }),
  outcome: known(Outcome),
  decision: fc.oneof(
    fc.constant({ kind: 'done' as const }),
    fc.record({ kind: fc.constant('retry' as const), dueAt: fc.option(time), tier: text }),
    fc.record({ kind: fc.constantFrom('dead' as const, 'stopped' as const), reason: known(DeadReason) }),
    fc.record({ kind: fc.constant('cancelled' as const), reason: known(CancelReason) }),
  ),
  status: fc.nat(999),
  code: text,
  detail: text,
  responseHeaders: headers,
  responseExcerpt: fc.option(bytes),
  responseTruncated: fc.boolean(),
  requestHeaders: headers,
  url: text,
  sourceAddress: text,
  egressPool: text,
  secretKeyId: text,
  endpointRevision: text,
  pod: text,
  epoch: fc.maxSafeNat(),
  body: fc.option(bytes),
  requestBodyBytes: fc.nat(),
}) satisfies fc.Arbitrary<AttemptFields>;

function expected(fields: AttemptFields): Attempt {
  const { delivery, timings, decision, body, responseExcerpt } = fields;
  const source = Delivery.decode(delivery.header).source;
  const pairs = (flat: readonly string[]) => maskHeaders(flat).map((one) => ({ ...one, _unknownFields: {} }));
  return {
    ...Attempt.fromPartial({
      attemptId: fields.attemptId,
      deliveryId: delivery.deliveryId,
      number: fields.number,
      startedAt: new Date(fields.startedAt),
      outcome: fields.outcome,
      status: fields.status,
      code: fields.code,
      detail: fields.detail,
      responseExcerpt: responseExcerpt ?? Buffer.alloc(0),
      responseTruncated: fields.responseTruncated,
      url: fields.url,
      sourceAddress: fields.sourceAddress,
      egressPool: fields.egressPool,
      secretKeyId: fields.secretKeyId,
      endpointRevision: fields.endpointRevision,
      pod: fields.pod,
      epoch: BigInt(fields.epoch),
      tenant: delivery.tenant,
      endpointId: delivery.endpointId,
      webhookId: delivery.webhookId,
      eventType: delivery.eventType,
      kind: delivery.kind,
      requestBodyBytes: fields.requestBodyBytes,
      ...(body && { body }),
    }),
    run: { kind: delivery.runKind, id: delivery.runId, _unknownFields: {} },
    responseHeaders: pairs(fields.responseHeaders),
    requestHeaders: pairs(fields.requestHeaders),
    source,
    timings: {
      queued: toDuration(timings.queued),
      connect: toDuration(timings.connect),
      firstByte: toDuration(timings.firstByte),
      total: toDuration(timings.total),
      _unknownFields: {},
    },
    decision: { decision: toDecision(decision), _unknownFields: {} },
  };
}

function toDuration(ms: number | null) {
  if (ms === null) return undefined;
  const nanos = BigInt(Math.round(ms * 1_000_000));
  return { seconds: nanos / 1_000_000_000n, nanos: Number(nanos % 1_000_000_000n), _unknownFields: {} };
}

function toDecision(decision: AttemptFields['decision']) {
  switch (decision.kind) {
    case 'done':
      return { $case: 'done' as const, value: { _unknownFields: {} } };
    case 'retry':
      return {
        $case: 'retry' as const,
        value: {
          dueAt: decision.dueAt === null ? undefined : new Date(decision.dueAt),
          tier: decision.tier,
          _unknownFields: {},
        },
      };
    case 'dead':
    case 'stopped':
      return { $case: decision.kind, value: { reason: decision.reason, _unknownFields: {} } };
    case 'cancelled':
      return { $case: 'cancelled' as const, value: { reason: decision.reason, _unknownFields: {} } };
  }
}

test('an attempt reads back as what was given, by generated code', () => {
  fc.assert(
    fc.property(anyAttempt, (fields) => {
      const { _unknownFields: none, ...read } = Attempt.decode(encodeAttempt(fields));
      const { _unknownFields: _, ...wanted } = expected(fields);
      assert.deepEqual(none, {});
      assert.deepEqual(read, wanted);
    }),
    { numRuns: 500 },
  );
});

test('an attempt of a delivery with values of a newer version is still written', () => {
  const header = headerOf(
    Delivery.fromPartial({ deliveryId: 'dlv_1', webhookId: 'msg_1', tenant: 'acme', endpointId: 'ep_1' }),
  );
  const delivery = { ...readDelivery(header), kind: DeliveryKind.UNRECOGNIZED, runKind: RunKind.UNRECOGNIZED };
  const [fields] = fc.sample(anyAttempt, 1);
  const read = Attempt.decode(encodeAttempt({ ...fields!, delivery }));
  assert.deepEqual([read.kind, read.run?.kind], [DeliveryKind.UNSPECIFIED, RunKind.UNSPECIFIED]);
});
