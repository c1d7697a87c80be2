import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { RetryInfo } from '@postrider/contract/google/rpc/error_details';
import { Status } from '@postrider/contract/google/rpc/status';
import { isPostriderError } from '@postrider/core';
import { createFakeClock } from '@postrider/kafka/testing';
import { createCallRates } from './call-rates.ts';
import { STATUS_DETAILS_TRAILER, toServiceError } from './grpc-status.ts';
import { serverLimits } from './server-limits.ts';
import type { CallRates } from './call-rates.ts';
import type { Principal } from './permissions.ts';

const tenant: Principal = { actor: 'api-key/a', grants: [{ role: 'tenant-admin', tenant: 'acme' }] };
const admin: Principal = { actor: 'api-key/b', grants: [{ role: 'admin', tenant: '' }] };

/** Calls until one is refused: how many were not, and the refusal. */
function exhaust(rates: CallRates, caller: Principal): { readonly taken: number; readonly error: unknown } {
  for (let taken = 0; ; taken += 1) {
    try {
      rates.take(caller);
    } catch (error) {
      return { taken, error };
    }
  }
}

test('no second holds more calls of a principal than its limit, and others are not slowed by it', async () => {
  const clock = createFakeClock();
  const rates = createCallRates(clock);
  let taken = 0;
  for (let ms = 0; ms < 1_000; ms += 10) {
    taken += exhaust(rates, tenant).taken;
    await clock.advance(10);
  }
  assert.ok(
    taken <= serverLimits.tenantCallsPerSecondMax && taken > serverLimits.tenantCallsPerSecondMax * 0.97,
    `${taken}`,
  );
  exhaust(rates, tenant);
  assert.ok(exhaust(rates, admin).taken > exhaust(rates, { ...tenant, actor: 'api-key/c' }).taken);
});

test('more keys do not give a tenant more calls than all of them may make together, nor take any from another', async () => {
  const clock = createFakeClock();
  const rates = createCallRates(clock);
  const keys = Array.from({ length: 10 }, (_, n): Principal => ({ ...tenant, actor: `api-key/a${n}` }));
  let taken = 0;
  for (let ms = 0; ms < 1_000; ms += 10) {
    for (const key of keys) taken += exhaust(rates, key).taken;
    await clock.advance(10);
  }
  const most = serverLimits.tenantTogetherCallsPerSecondMax;
  assert.ok(taken <= most && taken > most * 0.97, `${taken}`);
  for (const key of keys) exhaust(rates, key);
  const other = { actor: 'api-key/b', grants: [{ role: 'tenant-admin', tenant: 'bell' }] };
  // Whoever is given a role in another tenant does not share that one's calls.
  const both = { ...other, grants: [...other.grants, ...tenant.grants] };
  assert.ok(exhaust(rates, other).taken > 0 && exhaust(rates, { ...both, actor: 'api-key/c' }).taken > 0);
});

test('a refusal says when to come back, as google.rpc.RetryInfo too, and then the call is taken', async () => {
  const clock = createFakeClock();
  const rates = createCallRates(clock);
  const { error } = exhaust(rates, tenant);
  assert.ok(isPostriderError(error, 'limit_reached') && error.retryAfterMs !== null);
  const { code, metadata } = toServiceError(error);
  assert.equal(code, status.RESOURCE_EXHAUSTED);
  const [trailer] = metadata.get(STATUS_DETAILS_TRAILER);
  const details = Status.decode(trailer as Buffer).details;
  const info = details.find(({ typeUrl }) => typeUrl.endsWith('google.rpc.RetryInfo'));
  assert.deepEqual(RetryInfo.decode(info?.value ?? Buffer.alloc(0)).retryDelay?.nanos, error.retryAfterMs * 1_000_000);
  await clock.advance(error.retryAfterMs);
  rates.take(tenant);
});

test('however many principals call, only so many are counted, the newest among them', () => {
  const rates = createCallRates(createFakeClock());
  const nth = (n: number): Principal => ({ ...admin, actor: `user/${n}` });
  for (let n = 0; n < serverLimits.principalsCountedMax + 10; n += 1) rates.take(nth(n));
  const last = nth(serverLimits.principalsCountedMax + 9);
  assert.equal(exhaust(rates, last).taken, exhaust(rates, nth(0)).taken - 1);
});
