import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import { Endpoint, EndpointLimits, OnExhausted, Ordering } from '@postrider/contract/postrider/v1/endpoint';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { failure, startTestPlane } from '../testing/harness.ts';
import type { Running } from '../testing/harness.ts';

let run: Running;
before(async () => {
  run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
});
after(() => run.stop());

const parent = 'tenants/acme';
const url = 'https://hooks.acme.dev/in';

/** The fields of the violations that an endpoint with these fields gets. */
async function refused(fields: Partial<Endpoint>): Promise<readonly string[]> {
  const endpoint = { ...Endpoint.fromPartial({ url }), ...fields };
  const answer = await failure(run.endpoints.createEndpoint({ parent, endpointId: '', endpoint, requestId: '' }));
  assert.equal(answer.code, 'INVALID_ARGUMENT');
  assert.equal(answer.reason, 'INVALID_ARGUMENT');
  return answer.fields;
}

test('a URL that is not https, or leads where it must not, is refused with the reason’s code', async () => {
  const cases: readonly (readonly [url: string, reason: string])[] = [
    ['', 'url_empty'],
    ['http://hooks.acme.dev/', 'url_scheme'],
    ['https://127.0.0.1/', 'url_address'],
    ['https://10.0.0.1/', 'url_address'],
    ['https://[::1]/', 'url_address'],
    ['https://169.254.169.254/latest', 'url_address'],
    ['https://localhost/', 'url_host'],
    ['https://user:pass@hooks.acme.dev/', 'url_user_info'],
    ['https://hooks.acme.dev/#x', 'url_fragment'],
    ['https://hooks.acme.dev:22/', 'url_port'],
    ['https://0x7f.1/', 'url_host_not_canonical'],
    [`https://hooks.acme.dev/${'a'.repeat(2_048)}`, 'url_too_long'],
  ];
  for (const [bad, reason] of cases) {
    const endpoint = Endpoint.fromPartial({ url: bad });
    const answer = await failure(run.endpoints.createEndpoint({ parent, endpointId: '', endpoint, requestId: '' }));
    assert.deepEqual(answer.fields, ['endpoint.url'], bad);
    assert.deepEqual(answer.fieldReasons, [reason.toUpperCase()], bad);
  }
});

test('all problems of a request are told at once', async () => {
  const answer = await failure(
    run.endpoints.createEndpoint({
      parent,
      endpointId: 'Not An Id',
      requestId: 'r'.repeat(129),
      endpoint: Endpoint.fromPartial({ url: 'ftp://x', displayName: 'x'.repeat(201), signingSecret: 'whsec_!' }),
    }),
  );
  const wanted = ['endpoint_id', 'request_id', 'endpoint.display_name', 'endpoint.url', 'endpoint.signing_secret'];
  assert.deepEqual(answer.fields, wanted);
});

test('an ordering that cannot be obeyed is refused, and one that can is kept', async () => {
  const cases: readonly (readonly [field: string, fields: Partial<Ordering>])[] = [
    ['endpoint.ordering.mode', { mode: OrderingMode.UNRECOGNIZED }],
    ['endpoint.ordering.on_exhausted', { onExhausted: OnExhausted.UNRECOGNIZED }],
    ['endpoint.ordering.on_exhausted', { onExhausted: OnExhausted.STOP }],
    ['endpoint.ordering.key', { mode: OrderingMode.KEY }],
    ['endpoint.ordering.key', { mode: OrderingMode.ENDPOINT, key: 'subject' }],
    ['endpoint.ordering.key', { key: 'subject' }],
    ['endpoint.ordering.key', { mode: OrderingMode.KEY, key: 'data.__proto__.x' }],
    ['endpoint.ordering.key', { mode: OrderingMode.KEY, key: `data.${'x'.repeat(255)}` }],
  ];
  for (const [field, fields] of cases) {
    assert.deepEqual(await refused({ ordering: Ordering.fromPartial(fields) }), [field], JSON.stringify(fields));
  }
  const ordering = Ordering.fromPartial({ mode: OrderingMode.KEY, key: 'data.customer.id' });
  const endpoint = Endpoint.fromPartial({ url, ordering });
  const { name } = await run.endpoints.createEndpoint({ parent, endpointId: '', endpoint, requestId: '' });
  const changed = await run.endpoints.updateEndpoint({
    endpoint: Endpoint.fromPartial({ name, ordering: { onExhausted: OnExhausted.STOP } }),
    updateMask: ['ordering.on_exhausted'],
  });
  assert.deepEqual(changed.ordering, Ordering.fromPartial({ ...ordering, onExhausted: OnExhausted.STOP }));
});

test('what this version does not do is refused, never ignored', async () => {
  const cases: readonly (readonly [field: string, fields: Partial<Endpoint>])[] = [
    ['endpoint.profile', { profile: 'legacy' }],
  ];
  for (const [field, fields] of cases) assert.deepEqual(await refused(fields), [field]);
  const filter = { dialect: { $case: 'cel' as const, value: 'true' } };
  const { name } = await run.endpoints.createEndpoint({
    parent,
    endpointId: '',
    endpoint: Endpoint.fromPartial({ url }),
    requestId: '',
  });
  const subscription = { ...Subscription.fromPartial({ eventTypes: ['*'] }), filter };
  const answer = await failure(
    run.subscriptions.createSubscription({ parent: name, subscriptionId: '', subscription, requestId: '' }),
  );
  assert.deepEqual(answer.violations, ['subscription.filter: is not supported by this version']);
});

test('values outside their bounds are refused by field', async () => {
  const seconds = (n: number) => ({ seconds: BigInt(n), nanos: 0 });
  const cases: readonly (readonly [field: string, fields: Partial<Endpoint>])[] = [
    ['endpoint.limits.concurrency_max', { limits: EndpointLimits.fromPartial({ concurrencyMax: 257 }) }],
    ['endpoint.limits.body_bytes_max', { limits: EndpointLimits.fromPartial({ bodyBytesMax: 1_048_577 }) }],
    ['endpoint.limits.timeout', { limits: { ...EndpointLimits.fromPartial({}), timeout: seconds(31) } }],
    ['endpoint.limits.timeout', { limits: { ...EndpointLimits.fromPartial({}), timeout: seconds(0) } }],
    [
      'endpoint.limits.rate_period',
      { limits: { ...EndpointLimits.fromPartial({ rateCount: 1 }), ratePeriod: seconds(3_601) } },
    ],
    ['endpoint.limits.rate_count', { limits: { ...EndpointLimits.fromPartial({}), ratePeriod: seconds(1) } }],
    ['endpoint.retry_policy.jitter', { retryPolicy: { schedule: undefined, jitter: 2, retrySpan: undefined } }],
    ['endpoint.status_policy.success[0]', { statusPolicy: { success: [{ first: 99, last: 0 }], final: [] } }],
    ['endpoint.headers["Host"]', { headers: { Host: 'x' } }],
    ['endpoint.headers["webhook-id"]', { headers: { 'webhook-id': 'x' } }],
    ['endpoint.headers["Webhook_Signature"]', { headers: { Webhook_Signature: 'x' } }],
    ['endpoint.headers["metadata-flavor"]', { headers: { 'metadata-flavor': 'Google' } }],
    ['endpoint.headers["proxy-connection"]', { headers: { 'proxy-connection': 'x' } }],
    ['endpoint.headers["x-a"]', { headers: { 'x-a': 'a\r\nb' } }],
    ['endpoint.auth', { auth: { method: undefined } }],
    ['endpoint.labels["a"]', { labels: { a: 'x'.repeat(256) } }],
  ];
  for (const [field, fields] of cases) assert.deepEqual(await refused(fields), [field]);
});

test('an enum number from a newer client is refused', async () => {
  assert.deepEqual(await refused({ verification: 'UNRECOGNIZED' }), ['endpoint.verification']);
  assert.deepEqual(await refused({ attemptBody: 'UNRECOGNIZED' }), ['endpoint.attempt_body']);
  assert.deepEqual(await refused({ signing: { scheme: 'UNRECOGNIZED' } }), ['endpoint.signing.scheme']);
});

test('event types: exact, a prefix that ends in .*, or * alone', async () => {
  const { name } = await run.endpoints.createEndpoint({
    parent,
    endpointId: '',
    endpoint: Endpoint.fromPartial({ url }),
    requestId: '',
  });
  const create = (eventTypes: string[]) =>
    run.subscriptions.createSubscription({
      parent: name,
      subscriptionId: '',
      subscription: Subscription.fromPartial({ eventTypes }),
      requestId: '',
    });
  await create(['*']);
  await create(['invoice.paid', 'invoice.*', 'a']);
  const bad = ['', '**', 'a*', '*.a', 'a.*.b', '.*', 'with space', 'ümlaut', 'x'.repeat(256)];
  assert.deepEqual(
    (await failure(create(bad))).fields,
    bad.map((_, index) => `subscription.event_types[${index}]`),
  );
  assert.deepEqual((await failure(create([]))).fields, ['subscription.event_types']);
  assert.deepEqual((await failure(create(['a', 'a']))).fields, ['subscription.event_types[1]']);
});

test('tenants: quotas that nothing obeys yet, and too long texts, are refused', async () => {
  const tenant = Tenant.fromPartial({
    displayName: 'a\nb',
    labels: { '': 'x' },
    quotas: { endpointsMax: 1, deliveriesPerSecond: 5, egressPools: [] },
  });
  const answer = await failure(run.tenants.createTenant({ tenantId: 'b', tenant, requestId: '' }));
  assert.deepEqual(answer.fields, ['tenant.display_name', 'tenant.labels[""]', 'tenant.quotas.deliveries_per_second']);
});

test('an update is held to the same rules as a creation', async () => {
  const { name } = await run.endpoints.createEndpoint({
    parent,
    endpointId: '',
    endpoint: Endpoint.fromPartial({ url }),
    requestId: '',
  });
  const update = (fields: Partial<Endpoint>, updateMask: string[] | undefined) =>
    failure(run.endpoints.updateEndpoint({ endpoint: { ...Endpoint.fromPartial({ name }), ...fields }, updateMask }));
  assert.deepEqual((await update({ url: 'http://hooks.acme.dev' }, undefined)).fields, ['endpoint.url']);
  assert.deepEqual((await update({}, ['url'])).fields, ['endpoint.url']);
  assert.deepEqual((await update({ signingSecret: 'whsec_x' }, undefined)).fields, ['endpoint.signing_secret']);
  assert.deepEqual((await update({ signing: { scheme: 'SIGNATURE_SCHEME_STANDARD_V1A' } }, undefined)).fields, [
    'endpoint.signing',
  ]);
  assert.deepEqual((await update({ profile: 'x' }, ['profile'])).fields, ['endpoint.profile']);
});

test('thousands of violations still fit into the answer', async () => {
  const headers = Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`webhook-${n}${'x'.repeat(80)}`, 'v']));
  const labels = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`l${n}`, 'x'.repeat(300)]));
  const endpoint = Endpoint.fromPartial({ url: 'x', headers, labels });
  const answer = await failure(run.endpoints.createEndpoint({ parent, endpointId: '', endpoint, requestId: '' }));
  assert.equal(answer.code, 'INVALID_ARGUMENT');
  assert.ok(answer.fields.length > 0 && answer.fields.length <= 32);
});
