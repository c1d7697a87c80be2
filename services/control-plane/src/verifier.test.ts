import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoint, EndpointLimits } from '@postrider/contract/postrider/v1/endpoint';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { encodeOperation, partitionOf, readDelivery, type DeliveryView } from '@postrider/core';
import { DELIVERY_HEADER, header } from '@postrider/kafka';
import { waitFor } from '../../../test/support/wait-for.ts';
import { startTestPlane, testConfig, type Running } from '../testing/harness.ts';

const url = 'https://hooks.acme.dev/in';

async function createEndpoint(run: Running, fields: Partial<Endpoint> = {}): Promise<Endpoint> {
  const endpoint = { ...Endpoint.fromPartial({ url, verification: 'VERIFICATION_MODE_CLOUDEVENTS' }), ...fields };
  return run.endpoints.createEndpoint({ parent: 'tenants/acme', endpointId: '', requestId: '', endpoint });
}

/** The requests for proofs on `deliveries`, with the partition and body of each. */
const asked = ({ kafka }: Running): readonly (DeliveryView & { partition: number; body: string })[] =>
  kafka.records('postrider.deliveries').map((record) => ({
    ...readDelivery(header(record, DELIVERY_HEADER) ?? assert.fail()),
    partition: record.partition,
    body: record.value?.toString() ?? '',
  }));

function prove(
  { kafka }: Running,
  { uid }: Endpoint,
  endpointRevision: string,
  allowedPerMinute: number | null = null,
) {
  const facts = { tenant: 'acme', endpointId: uid, deliveryId: 'dlv_1', runId: '', time: Date.now() };
  kafka.append(
    'postrider.operations',
    0,
    encodeOperation({ type: 'postrider.endpoint.verified', ...facts, endpointRevision, allowedPerMinute }),
  );
}
const stateOf = async ({ endpoints }: Running, { name }: Endpoint) => (await endpoints.getEndpoint({ name })).state;
const enabled = async (run: Running, endpoint: Endpoint): Promise<void> => {
  const isEnabled = async () => (await stateOf(run, endpoint)) === 'ENDPOINT_STATE_ENABLED';
  await waitFor(isEnabled, { what: 'the endpoint is enabled' });
};

test('an endpoint that must prove that it wants events is asked, in its own partition; another one is not', async () => {
  await using run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const made = await createEndpoint(run);
  const free = await createEndpoint(run, { verification: 'VERIFICATION_MODE_NONE' });
  assert.deepEqual([made.state, free.state], ['ENDPOINT_STATE_PENDING_VERIFICATION', 'ENDPOINT_STATE_ENABLED']);
  await waitFor(() => asked(run).length > 0, { what: 'the request is written' });
  const [request] = asked(run);
  assert.deepEqual(
    [request?.kind, request?.endpointId, request?.tenant],
    ['DELIVERY_KIND_VERIFICATION', made.uid, 'acme'],
  );
  assert.equal(request?.partition, partitionOf(made.uid, testConfig().partitions));
  assert.equal(request?.endpointRevision, made.revision);
  assert.equal((request?.expiresAt ?? 0) - (request?.firstSeen ?? 0), 86_400_000);
  assert.match(request?.body ?? '', /^\{"type":"postrider\.endpoint\.verification","challenge":"[\w-]{32}"\}$/);
  assert.equal(asked(run).length, 1);
});

test('a proof counts for the newest request or a later configuration, never for an older one', async () => {
  await using run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const made = await createEndpoint(run);
  const endpoint = Endpoint.fromPartial({ name: made.name, url: `${url}/new` });
  const moved = await run.endpoints.updateEndpoint({ endpoint, updateMask: ['url'] });
  const labelled = await run.endpoints.updateEndpoint({
    endpoint: Endpoint.fromPartial({ name: made.name, labels: { a: 'b' } }),
    updateMask: ['labels'],
  });
  await waitFor(() => asked(run).length === 2, { what: 'it is asked once for each URL' });
  for (const revision of [made.revision, '', 'junk', '-1']) prove(run, made, revision);
  // Read behind them: when it has taken effect, they have had their chance.
  const other = await createEndpoint(run);
  prove(run, other, other.revision);
  await enabled(run, other);
  assert.equal(await stateOf(run, made), 'ENDPOINT_STATE_PENDING_VERIFICATION');
  prove(run, made, labelled.revision);
  await enabled(run, made);
  assert.notEqual(moved.revision, labelled.revision);
});

test('a tenant may have all its endpoints asked: its mode holds for those that name none, and none may refuse it', async () => {
  await using run = await startTestPlane();
  const free = Tenant.fromPartial({});
  await run.tenants.createTenant({ tenantId: 'acme', tenant: free, requestId: '' });
  const before = await createEndpoint(run, { verification: 'VERIFICATION_MODE_UNSPECIFIED' });
  const tenant = Tenant.fromPartial({ name: 'tenants/acme', verification: 'VERIFICATION_MODE_CHALLENGE' });
  const changed = await run.tenants.updateTenant({ tenant, updateMask: ['verification'] });
  assert.equal(changed.verification, 'VERIFICATION_MODE_CHALLENGE');

  const silent = await createEndpoint(run, { verification: 'VERIFICATION_MODE_UNSPECIFIED' });
  assert.deepEqual(
    [silent.verification, silent.state],
    ['VERIFICATION_MODE_CHALLENGE', 'ENDPOINT_STATE_PENDING_VERIFICATION'],
  );
  assert.equal((await createEndpoint(run)).verification, 'VERIFICATION_MODE_CLOUDEVENTS');
  const mustBeAsked = /endpoint\.verification/;
  await assert.rejects(createEndpoint(run, { verification: 'VERIFICATION_MODE_NONE' }), mustBeAsked);
  const update = (fields: Partial<Endpoint>, updateMask: string[]) =>
    run.endpoints.updateEndpoint({
      endpoint: { ...Endpoint.fromPartial({ name: silent.name }), ...fields },
      updateMask,
    });
  await assert.rejects(update({ verification: 'VERIFICATION_MODE_NONE' }, ['verification']), mustBeAsked);
  const unset = await update({ verification: 'VERIFICATION_MODE_UNSPECIFIED' }, ['verification']);
  assert.equal(unset.verification, 'VERIFICATION_MODE_CHALLENGE');

  const labelled = await update({ name: before.name, labels: { a: 'b' } }, ['labels']);
  assert.equal(labelled.state, 'ENDPOINT_STATE_ENABLED', 'one from before goes on');
  const moved = await update({ name: before.name, url: `${url}/new` }, ['url']);
  assert.deepEqual(
    [moved.verification, moved.state],
    ['VERIFICATION_MODE_CHALLENGE', 'ENDPOINT_STATE_PENDING_VERIFICATION'],
  );
  const unknown = { ...tenant, verification: 'UNRECOGNIZED' as const };
  await assert.rejects(run.tenants.updateTenant({ tenant: unknown, updateMask: ['verification'] }), /verification/);
});

test('an allowed rate lowers the endpoint’s own and never raises it', async () => {
  await using run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const rateAfter = async (limits: EndpointLimits | undefined, allowed: number | null) => {
    const made = await createEndpoint(run, { limits });
    prove(run, made, made.revision, allowed);
    await enabled(run, made);
    const { limits: after } = await run.endpoints.getEndpoint({ name: made.name });
    return after === undefined ? null : [after.rateCount, Number(after.ratePeriod?.seconds ?? 0), after.concurrencyMax];
  };
  const own = EndpointLimits.fromPartial({ rateCount: 2, concurrencyMax: 3 });
  assert.deepEqual(await rateAfter(undefined, 30), [30, 60, 0]);
  assert.deepEqual(await rateAfter(own, 30), [30, 60, 3]);
  assert.deepEqual(await rateAfter(own, 120), [2, 0, 3]);
  assert.deepEqual(await rateAfter(own, null), [2, 0, 3]);
  assert.equal(await rateAfter(undefined, null), null);
});

test('after a restart what is owed is asked for again under the same id, and what was proved meanwhile is known', async () => {
  const first = await startTestPlane();
  await first.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const [made, proved] = [await createEndpoint(first), await createEndpoint(first)];
  await waitFor(() => asked(first).length === 2, { what: 'both are asked' });
  await first.stop();
  prove(first, proved, proved.revision);
  await using run = await startTestPlane({}, first.kafka);
  await enabled(run, proved);
  const ofMade = () => asked(run).filter(({ endpointId }) => endpointId === made.uid);
  await waitFor(() => ofMade().length === 2, { what: 'it is asked again' });
  const ids = new Set(ofMade().map(({ deliveryId }) => deliveryId));
  assert.equal(ids.size, 1);
  assert.equal(await stateOf(run, made), 'ENDPOINT_STATE_PENDING_VERIFICATION');
});

test('a proof of a deleted endpoint, and records that are no proofs, change nothing', async () => {
  await using run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const gone = await createEndpoint(run);
  await run.endpoints.deleteEndpoint({ name: gone.name, etag: '' });
  prove(run, gone, gone.revision);
  const headers = { ce_type: Buffer.from('postrider.endpoint.verified') };
  for (const value of [null, Buffer.from('{'), Buffer.from('null'), Buffer.from('{"endpointId":5}')]) {
    run.kafka.append('postrider.operations', 0, { key: null, value, headers });
  }
  const made = await createEndpoint(run);
  prove(run, made, made.revision);
  await enabled(run, made);
});

test('an endpoint that answered 410 is disabled and keeps what is pending, unless it was changed since', async () => {
  await using run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const tell = ({ uid: endpointId }: Endpoint, endpointRevision: string): void => {
    const facts = { tenant: 'acme', endpointId, deliveryId: 'dlv_1', runId: '', time: Date.now(), attempt: 1 };
    run.kafka.append(
      'postrider.operations',
      0,
      encodeOperation({ type: 'postrider.endpoint.gone', ...facts, endpointRevision }),
    );
  };
  const free = { verification: 'VERIFICATION_MODE_NONE' } as const;
  const [changed, gone] = [await createEndpoint(run, free), await createEndpoint(run, free)];
  const endpoint = Endpoint.fromPartial({ name: changed.name, labels: { a: 'b' } });
  await run.endpoints.updateEndpoint({ endpoint, updateMask: ['labels'] });
  for (const revision of [changed.revision, '', 'junk']) tell(changed, revision);
  tell(gone, gone.revision);
  const isDisabled = async () => (await stateOf(run, gone)) === 'ENDPOINT_STATE_DISABLED';
  await waitFor(isDisabled, { what: 'it is disabled' });
  const after = await run.endpoints.getEndpoint({ name: gone.name });
  assert.deepEqual([after.disableReason, after.pending], ['DISABLE_REASON_GONE', 'PENDING_POLICY_KEEP']);
  assert.notEqual(after.disableTime, undefined);
  assert.equal(await stateOf(run, changed), 'ENDPOINT_STATE_ENABLED');

  // Told again, or read again by the next control plane, it is not disabled once more.
  await run.endpoints.enableEndpoint({ name: gone.name, etag: '' });
  tell(gone, gone.revision);
  const last = await createEndpoint(run, free);
  tell(last, last.revision);
  await waitFor(async () => (await stateOf(run, last)) === 'ENDPOINT_STATE_DISABLED', { what: 'all is read' });
  assert.equal(await stateOf(run, gone), 'ENDPOINT_STATE_ENABLED');
});
