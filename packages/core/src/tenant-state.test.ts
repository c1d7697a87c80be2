import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tenant, TenantState } from '@postrider/contract/postrider/v1/tenant';
import { isBeingDeleted } from './tenant-state.ts';

test('only a tenant that says so is being deleted: not one of before there was a state, nor one that is absent', () => {
  const inState = (state: TenantState): boolean => isBeingDeleted({ tenant: Tenant.fromPartial({ state }) });
  assert.equal(inState(TenantState.DELETING), true);
  assert.equal(inState(TenantState.ACTIVE), false);
  assert.equal(inState(TenantState.UNSPECIFIED), false);
  assert.equal(isBeingDeleted({ tenant: undefined }), false);
  assert.equal(isBeingDeleted(undefined), false);
});
