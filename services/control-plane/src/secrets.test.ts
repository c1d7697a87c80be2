import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { openDataKey, openSigningSecrets } from '@postrider/config-view';
import { ADMIN_KEY, CONFIG_TOPIC, failure, startTestPlane, testKek } from '../testing/harness.ts';

test('a secret stands sealed in the records, and in no answer, error or log line but the one of its creation', async () => {
  await using run = await startTestPlane();
  const canary = Buffer.from('canary-canary-canary-canary-1234');
  const signingSecret = `whsec_${canary.toString('base64')}`;
  const answers: unknown[] = [];
  answers.push(await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' }));
  const url = 'https://hooks.acme.dev/';
  const create = (endpoint: Endpoint, requestId = '') =>
    run.endpoints.createEndpoint({ parent: 'tenants/acme', endpointId: '', endpoint, requestId });
  const imported = await create(Endpoint.fromPartial({ url, signingSecret }), 'r');
  assert.equal(imported.signingSecret, signingSecret);
  const generated = await create(Endpoint.fromPartial({ url }));
  const { name } = imported;
  answers.push(await create(Endpoint.fromPartial({ url, signingSecret }), 'r'));
  answers.push(await run.endpoints.getEndpoint({ name }));
  answers.push(
    await run.endpoints.listEndpoints({ parent: 'tenants/-', pageSize: 0, pageToken: '', filter: '', orderBy: '' }),
  );
  answers.push(
    await run.endpoints.updateEndpoint({
      endpoint: Endpoint.fromPartial({ name, displayName: 'x' }),
      updateMask: undefined,
    }),
  );
  answers.push(await failure(create(Endpoint.fromPartial({ url: 'http://x', signingSecret: `${signingSecret}=` }))));
  answers.push(
    await failure(
      run.endpoints.updateEndpoint({ endpoint: Endpoint.fromPartial({ name, signingSecret }), updateMask: ['*'] }),
    ),
  );
  await run.endpoints.deleteEndpoint({ name, etag: '' });

  const records = run.kafka
    .records(CONFIG_TOPIC)
    .flatMap(({ key, value, headers }) => [key, value, ...Object.values(headers)]);
  const bytes = Buffer.concat(records.flatMap((part) => (Buffer.isBuffer(part) ? [part] : [])));
  const told = inspect({ answers, log: run.log.lines, plane: run.plane }, { depth: 12, maxArrayLength: null });
  const secrets = [signingSecret, canary.toString(), canary.toString('base64'), generated.signingSecret, ADMIN_KEY];
  for (const secret of secrets) {
    assert.ok(!bytes.includes(secret), 'in a record');
    assert.ok(!told.includes(secret), 'in an answer or the log');
  }
  assert.ok(!bytes.includes(Buffer.from(generated.signingSecret.slice('whsec_'.length), 'base64')), 'raw in a record');
});

test('what is stored opens with the key-encryption key to the secret that the creation answered with', async () => {
  await using run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/' });
  const created = await run.endpoints.createEndpoint({
    parent: 'tenants/acme',
    endpointId: '',
    endpoint,
    requestId: '',
  });
  const snapshot = run.plane.view.snapshot();
  const tenant = snapshot.tenant('acme') ?? assert.fail();
  const config = snapshot.endpoint(created.uid) ?? assert.fail();
  const [active] = openSigningSecrets(config, openDataKey(tenant, testKek), Date.now());
  assert.equal(active?.secret.reveal(), created.signingSecret);
  assert.equal(active?.id, created.secrets[0]?.id);
});

test('every change is in the log with who made it and what it changed, and reads are not', async () => {
  await using run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  await run.tenants.getTenant({ name: 'tenants/acme' });
  await run.tenants.deleteTenant({ name: 'tenants/acme', force: false, etag: '' });
  const told = run.log.lines
    .filter(({ message, level }) => message === 'api.call' && level === 'info')
    .map(({ fields: { method, resource, actor } }) => `${String(method)} ${String(resource)} ${String(actor)}`);
  assert.deepEqual(told, ['CreateTenant tenants/acme api-key/test', 'DeleteTenant tenants/acme api-key/test']);
  const actors = run.kafka.records(CONFIG_TOPIC).map(({ value, headers }) => {
    const bytes = value ?? headers['postrider-config'];
    return ConfigRecord.decode(Buffer.isBuffer(bytes) ? bytes : assert.fail()).actor;
  });
  assert.deepEqual(actors.slice(-2), ['api-key/test', 'api-key/test']);
});

test('what is given in place of a name, and cannot be one, reaches no log', async () => {
  await using run = await startTestPlane();
  const canary = `whsec_${'c4na/y'.repeat(4)}`;
  await failure(run.tenants.getTenant({ name: canary }));
  await failure(run.tenants.getTenant({ name: `tenants/${canary}` }));
  await failure(run.endpoints.listEndpoints({ parent: canary, pageSize: 0, pageToken: '', filter: '', orderBy: '' }));
  await failure(run.tenants.getTenant({ name: 'tenants/absent' }));
  const told = run.log.lines.map((line) => inspect(line, { depth: null }));
  assert.ok(told.some((line) => line.includes('tenants/absent')));
  assert.deepEqual(
    told.filter((line) => line.includes('c4na')),
    [],
  );
});
