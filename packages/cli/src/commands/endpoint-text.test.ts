import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DisableReason, Endpoint, EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { durationOf } from '@postrider/core';
import { describeEndpoint } from './endpoint-text.ts';

const textOf = (fields: Parameters<typeof Endpoint.fromPartial>[0]): string =>
  describeEndpoint(Endpoint.fromPartial({ name: 'tenants/acme/endpoints/orders', ...fields }));

test('of a disabled endpoint the reason is told', () => {
  const { REQUESTED, GONE, FAILING } = DisableReason;
  const state = EndpointState.DISABLED;
  assert.match(textOf({ state, disableReason: REQUESTED }), /^State +disabled, by request$/m);
  assert.match(textOf({ state, disableReason: GONE }), /^State +disabled, because it answered 410$/m);
  assert.match(textOf({ state, disableReason: FAILING }), /^State +disabled, because it failed for too long$/m);
  assert.match(textOf({ state: EndpointState.ENABLED }), /^State +enabled$/m);
});

test('the rate and the end of the client certificate are told if there are any', () => {
  const text = textOf({
    limits: { rateCount: 120, ratePeriod: durationOf(60_000) },
    tls: { clientCertificateExpireTime: new Date(0) },
  });
  assert.match(text, /^Rate +120 in 60 s$/m);
  assert.match(text, /^Certificate +.*ends 1970-01-01T00:00:00\.000Z$/m);
  assert.doesNotMatch(textOf({}), /Rate|Certificate/);
});

test('an endpoint that fails, or that only the installation may enable, says so', () => {
  const failing = Endpoint.fromPartial({ state: 'ENDPOINT_STATE_ENABLED', failingSince: new Date(0) });
  assert.match(describeEndpoint(failing), /State +enabled, failing since 1970-01-01T00:00:00\.000Z\n/);
  const held = Endpoint.fromPartial({ state: 'ENDPOINT_STATE_DISABLED', heldByInstallation: true });
  assert.match(describeEndpoint(held), /State +disabled; only the installation may enable it\n/);
});
