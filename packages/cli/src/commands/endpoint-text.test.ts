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
  assert.match(text, /^Rate +120\/1m$/m);
  assert.match(text, /^Certificate +.*ends 1970-01-01T00:00:00\.000Z$/m);
  assert.doesNotMatch(textOf({}), /Rate|Certificate/);
});

test('an endpoint that fails, or that only the installation may enable, says so', () => {
  const failing = Endpoint.fromPartial({ state: 'ENDPOINT_STATE_ENABLED', failingSince: new Date(0) });
  assert.match(describeEndpoint(failing), /State +enabled, failing since 1970-01-01T00:00:00\.000Z\n/);
  const held = Endpoint.fromPartial({ state: 'ENDPOINT_STATE_DISABLED', heldByInstallation: true });
  assert.match(describeEndpoint(held), /State +disabled; only the installation may enable it\n/);
});

test('every field that is set is shown, in the form in which it is given', () => {
  const full = Endpoint.fromPartial({
    name: 'tenants/acme/endpoints/orders',
    uid: 'ep_1',
    displayName: 'Orders',
    url: 'https://a.example/in',
    labels: { plan: 'gold' },
    state: 'ENDPOINT_STATE_DISABLED',
    disableReason: 'DISABLE_REASON_GONE',
    signing: { scheme: 'SIGNATURE_SCHEME_STANDARD_V1' },
    retryPolicy: {
      schedule: { $case: 'delays', value: { delays: [durationOf(10_000), durationOf(300_000)] } },
      jitter: 0.5,
      retrySpan: durationOf(86_400_000),
    },
    statusPolicy: { success: [{ first: 200, last: 299 }], final: [{ first: 404, last: 0 }] },
    limits: {
      ...{ concurrencyMax: 3, rateCount: 9, ratePeriod: durationOf(60_000), timeout: durationOf(1_500) },
      bodyBytesMax: 1_000,
    },
    ordering: { mode: 'ORDERING_MODE_ENDPOINT' },
    auth: { method: { $case: 'basic', value: { username: 'me' } } },
    headers: { 'X-Team': 'a' },
    egressPool: 'egressPools/partners',
    tls: { minVersion: 'TLS_VERSION_1_3', caPem: 'x', clientCertificatePem: 'y' },
    verification: 'VERIFICATION_MODE_CHALLENGE',
    attemptBody: 'ATTEMPT_BODY_POLICY_FIRST',
    secrets: [
      { id: 'sec_1', scheme: 'SIGNATURE_SCHEME_STANDARD_V1', createTime: new Date(0), expireTime: new Date(1) },
    ],
    signingSecret: 'whsec_a',
    createTime: new Date(2),
    updateTime: new Date(3),
    etag: 'e',
    revision: 'r',
    pending: 'PENDING_POLICY_KEEP',
    disableTime: new Date(4),
    enableTime: new Date(5),
    profile: 'plain',
    publicKey: 'whpk_a',
    failingSince: new Date(6),
    heldByInstallation: true,
  });
  const text = describeEndpoint(full);
  for (const field of Object.keys(full).filter((name) => name !== '_unknownFields') as (keyof Endpoint)[]) {
    const without = { ...full, [field]: Endpoint.fromPartial({})[field] };
    assert.notEqual(describeEndpoint(without), text, `${field} is not shown`);
  }
  for (const line of [
    /^Delays +10s,5m$/m,
    /^Jitter +0\.5$/m,
    /^Retry span +1d$/m,
    /^Success +200-299$/m,
    /^Final +404$/m,
    /^Rate +9\/1m$/m,
    /^Concurrency +3$/m,
    /^Timeout +1500ms$/m,
    /^TLS +1\.3$/m,
    /^Trusts /m,
    /^Certificate /m,
    /^Shows +basic:me$/m,
    /^Secret +sec_1, standard-v1, made at 1970-.*, ends at 1970-/m,
    /^Body at most +1000 bytes$/m,
  ])
    assert.match(text, line);
  assert.match(text, /^Public key +whpk_a\nPrivate key \(do not hand out\) whsec_a/m);
});
