import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventTypeConfig, OperationConfig } from '@postrider/contract/postrider/v1/config';
import { Drain } from '@postrider/contract/postrider/v1/drain';
import { EventType } from '@postrider/contract/postrider/v1/event_type';
import { Operation, TenantDeletion } from '@postrider/contract/postrider/v1/operation';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import { createConfigFold } from './fold.ts';
import { configRecord, tenantEntity } from './test-records.ts';
import type { ConfigEntity } from './read-record.ts';

function named(id: string): readonly [key: string, entity: ConfigEntity][] {
  const operation = Operation.fromPartial({ name: `operations/${id}` });
  const eventType = EventType.fromPartial({ name: `eventTypes/${id}` });
  return [
    [`tenant/${id}`, tenantEntity(id) as ConfigEntity],
    [`operation/${id}`, { $case: 'operation', value: OperationConfig.fromPartial({ operation }) }],
    [`role-binding/${id}`, { $case: 'roleBinding', value: RoleBinding.fromPartial({ name: `roleBindings/${id}` }) }],
    [`event-type/${id}`, { $case: 'eventType', value: EventTypeConfig.fromPartial({ eventType }) }],
    [`drain/${id}`, { $case: 'drain', value: Drain.fromPartial({ name: `dispatchers/${id}` }) }],
  ];
}

test('a record whose id is no part of a name is put aside: whoever takes names apart would fail on it, again and again', () => {
  const config = createConfigFold();
  const codes = (id: string) =>
    named(id).map(([key, entity], at) => config.apply(configRecord(key, 1, 2, entity).placed(at)).problem?.code ?? '');
  assert.deepEqual(codes('one'), ['', '', '', '', '']);
  assert.deepEqual(codes('one/two'), Array(5).fill('entity_invalid'));
  const { operation, operations } = config.snapshot();
  assert.deepEqual([operation('one/two'), [...operations()].length], [undefined, 1]);
});

test('a deletion that names no tenant is put aside: it would delete what belongs to none', () => {
  const config = createConfigFold();
  const code = (id: string, tenant: string) => {
    const metadata = { $case: 'tenantDeletion', value: TenantDeletion.fromPartial({}) } as const;
    const operation = { ...Operation.fromPartial({ name: `operations/${id}`, tenant }), metadata };
    const entity = { $case: 'operation', value: OperationConfig.fromPartial({ operation }) } as const;
    return config.apply(configRecord(`operation/${id}`, 1, 2, entity).placed(0)).problem?.code;
  };
  assert.equal(code('good', 'tenants/acme'), undefined);
  for (const tenant of ['', 'tenants/', 'acme', 'tenants/acme/endpoints/one'])
    assert.equal(code('bad', tenant), 'entity_invalid');
  const ids = [...config.snapshot().operations()].map(({ operation }) => operation?.name);
  assert.deepEqual(ids, ['operations/good']);
});
