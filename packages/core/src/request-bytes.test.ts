import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CreateSubscriptionRequest } from '@postrider/contract/postrider/v1/subscription_service';
import { CreateTenantRequest } from '@postrider/contract/postrider/v1/tenant_service';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { enumNumbers, messageShapes, requestTypes } from '@postrider/contract/postrider/v1/request-shapes';
import { requestProblem } from './request-bytes.ts';

const path = '/postrider.v1.TenantService/CreateTenant';
const tenant = (fields: object): Uint8Array =>
  CreateTenantRequest.encode(CreateTenantRequest.fromPartial({ tenantId: 'acme', ...fields })).finish();

test('what is understood as a whole has no problem: every kind of field, maps, lists and nothing at all', () => {
  const labels = { a: 'b', '': '', ü: '\u{1f600}' };
  const quotas = { endpointsMax: 4_294_967_295, deliveriesPerSecond: 0, egressPools: ['a', 'b'] };
  for (const fields of [{}, { tenant: { labels, quotas, createTime: new Date() } }, { requestId: 'x' }])
    assert.equal(requestProblem(path, tenant(fields)), null);
  assert.equal(requestProblem(path, new Uint8Array()), null);
  const filter = {
    dialect: { $case: 'any' as const, value: { filters: [{ dialect: { $case: 'cel' as const, value: 'a' } }] } },
  };
  const request = CreateSubscriptionRequest.fromPartial({
    parent: 'x',
    subscription: { eventTypes: ['a', 'b'], filter },
  });
  const bytes = CreateSubscriptionRequest.encode(request).finish();
  assert.equal(requestProblem('/postrider.v1.SubscriptionService/CreateSubscription', bytes), null);
});

test('what would be stepped over is told by its path', () => {
  const known = Buffer.from(tenant({ tenant: { labels: { a: 'b' } } }));
  const rows: readonly (readonly [bytes: number[], field: string, problem: RegExp])[] = [
    [[0x78, 0x01], '15', /does not know/],
    [[0x12, 0x02, 0x78, 0x01], 'tenant.15', /does not know/],
    [[0x08, 0x01], 'tenant_id', /another type/],
    [[0x12, 0x02, 0x48, 0x63], 'tenant.verification', /value that this version does not know/],
    [[0x0a, 0x01, 0xff], 'tenant_id', /UTF-8/],
    [[0x0a, 0x05, 0x61], '', /cannot be read/],
    // 2^63 - 1, the year 10000, a negative nanosecond.
    [[0x12, 0x0c, 0x2a, 0x0a, 0x08, ...Array.from({ length: 8 }, () => 0xff), 0x7f], 'tenant.create_time', /no time/],
    [[0x12, 0x09, 0x2a, 0x07, 0x08, 0x80, 0x83, 0xd1, 0xff, 0xaf, 0x07], 'tenant.create_time', /no time/],
    [[0x12, 0x0d, 0x2a, 0x0b, 0x10, ...Array.from({ length: 9 }, () => 0xff), 0x01], 'tenant.create_time', /no time/],
  ];
  for (const [bytes, field, problem] of rows) {
    const found = requestProblem(path, Buffer.concat([known, Buffer.from(bytes)]));
    assert.equal(found?.field, field);
    assert.match(found?.description ?? '', problem);
  }
});

test('every field and every enum of every request stands in the table', () => {
  const descriptors = readFileSync(new URL(import.meta.resolve('@postrider/contract/descriptors.binpb')));
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
  assert.ok(Object.keys(requestTypes).length > 40);
  for (const [type, shapes] of Object.entries(messageShapes)) {
    const fields = type.includes('/') ? null : registry.getMessage(type)?.fields;
    const numbers = fields?.map(({ number }) => String(number)) ?? ['1', '2'];
    assert.deepEqual(
      Object.keys(shapes),
      numbers.toSorted((a, b) => Number(a) - Number(b)),
      type,
    );
    for (const [, kind, of] of Object.values(shapes)) {
      if (kind === 'enum') assert.ok(enumNumbers[of] !== undefined, of);
      if (kind === 'message') assert.ok(messageShapes[of] !== undefined, of);
    }
  }
});
