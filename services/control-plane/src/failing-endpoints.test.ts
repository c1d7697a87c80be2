import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { encodeOperation } from '@postrider/core';
import { waitFor } from '../../../test/support/wait-for.ts';
import { CONFIG_TOPIC, startTestPlane, type Running } from '../testing/harness.ts';

type Told = 'postrider.endpoint.failing' | 'postrider.endpoint.recovered';

let attempts = 0;
function tell({ kafka }: Running, { uid }: Endpoint, type: Told, time = Date.now()): void {
  const facts = { tenant: 'acme', endpointId: uid, deliveryId: 'dlv_1', runId: '', attempt: (attempts += 1), time };
  const event =
    type === 'postrider.endpoint.failing' ? { type, ...facts, code: 'HTTP_500', status: 500 } : { type, ...facts };
  kafka.append('postrider.operations', 0, encodeOperation(event));
}

async function setUp(run: Running): Promise<Endpoint> {
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/in' });
  return run.endpoints.createEndpoint({ parent: 'tenants/acme', endpointId: 'shop', endpoint, requestId: '' });
}

const get = ({ endpoints }: Running) => endpoints.getEndpoint({ name: 'tenants/acme/endpoints/shop' });
const failing = (run: Running, is: boolean): Promise<unknown> =>
  waitFor(async () => ((await get(run)).failingSince !== undefined) === is, { what: `failing is ${is}` });

test('an endpoint that fails says since when, until it works again; its revision and etag stay', async () => {
  await using run = await startTestPlane();
  const made = await setUp(run);
  const time = Date.now() + 5;
  tell(run, made, 'postrider.endpoint.failing', time);
  await failing(run, true);
  const shown = await get(run);
  assert.deepEqual([shown.failingSince?.getTime(), shown.revision, shown.etag], [time, made.revision, made.etag]);
  const records = run.kafka.records(CONFIG_TOPIC).length;
  tell(run, made, 'postrider.endpoint.failing', time + 60_000);
  tell(run, made, 'postrider.endpoint.recovered');
  await failing(run, false);
  assert.equal((await get(run)).etag, made.etag);
  // Of an endpoint that fails already nothing is written, nor of one that works.
  tell(run, made, 'postrider.endpoint.recovered');
  tell(run, made, 'postrider.endpoint.failing', time + 1);
  await failing(run, true);
  assert.ok(run.kafka.records(CONFIG_TOPIC).length <= records + 3);
});

test('what was told before a person changed the endpoint, or is damaged, or of none that there is, changes nothing', async () => {
  await using run = await startTestPlane();
  const made = await setUp(run);
  tell(run, made, 'postrider.endpoint.failing', Date.now() - 60_000);
  tell(run, { ...made, uid: 'ep_none' }, 'postrider.endpoint.failing');
  for (const value of ['', 'null', '[]', '{', '{"endpointId":7}'])
    run.kafka.append('postrider.operations', 0, {
      value: Buffer.from(value),
      headers: { ce_type: Buffer.from('postrider.endpoint.failing'), ce_time: Buffer.from(new Date().toISOString()) },
    });
  const { key, value, headers } = encodeOperation({
    ...{ type: 'postrider.endpoint.recovered', tenant: 'acme', endpointId: made.uid, deliveryId: 'dlv_1' },
    ...{ runId: '', attempt: 1, time: Date.now() },
  });
  run.kafka.append('postrider.operations', 0, { key, value, headers: { ...headers, ce_time: Buffer.from('never') } });
  const other = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/other' });
  const last = await run.endpoints.createEndpoint({
    parent: 'tenants/acme',
    endpointId: 'last',
    endpoint: other,
    requestId: '',
  });
  tell(run, last, 'postrider.endpoint.failing', Date.now() + 1_000);
  await waitFor(async () => (await run.endpoints.getEndpoint({ name: last.name })).failingSince, {
    what: 'all is read',
  });
  assert.equal((await get(run)).failingSince, undefined);
});

test('at another URL, or disabled, it is not known to fail; a name that is changed says nothing', async () => {
  await using run = await startTestPlane();
  const made = await setUp(run);
  const mark = async (): Promise<void> => {
    tell(run, made, 'postrider.endpoint.failing', Date.now() + 1_000);
    await failing(run, true);
  };
  const update = (fields: Partial<Endpoint>, updateMask: string[]) =>
    run.endpoints.updateEndpoint({ endpoint: { ...Endpoint.fromPartial({ name: made.name }), ...fields }, updateMask });
  await mark();
  assert.ok((await update({ displayName: 'Shop' }, ['display_name'])).failingSince !== undefined);
  assert.equal((await update({ url: 'https://hooks.acme.dev/new' }, ['url'])).failingSince, undefined);
  await mark();
  const disabled = await run.endpoints.disableEndpoint({ name: made.name, etag: '', pending: 'PENDING_POLICY_KEEP' });
  assert.equal(disabled.failingSince, undefined);
});
