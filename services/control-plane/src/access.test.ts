import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { TenantServiceClient } from '@postrider/contract/postrider/v1/tenant_service';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { CONFIG_SCHEMA_VERSION } from '@postrider/config-view';
import { ApiKeyConfig, ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { Secret, type MethodName } from '@postrider/core';
import { createHash } from 'node:crypto';
import { ADMIN_KEY, calls, CONFIG_TOPIC, failure, startTestPlane, testConfig } from '../testing/harness.ts';
import { parseApiKey } from './api-key.ts';
import { MIN_REVISION_METADATA } from './call-routing.ts';
import { authorize } from './permissions.ts';
import { startControlPlane } from './service.ts';
import type { Client } from '@grpc/grpc-js';
import type { FakeKafka } from '@postrider/kafka/testing';
import type { Running } from '../testing/harness.ts';

let run: Running;
let client: TenantServiceClient;
before(async () => {
  run = await startTestPlane();
  client = new TenantServiceClient(`127.0.0.1:${run.plane.port}`, credentials.createInsecure());
});
after(async () => {
  client.close();
  await run.stop();
});

const list = { pageSize: 0, pageToken: '', filter: '', orderBy: '' };

test('without a valid key no method answers, and what was wrong with it is not told', async () => {
  const wrong = [
    'Bearer prk_test_wrongwrongwrongwrongwrong',
    'Bearer prk_nobody_aaaaaaaaaaaaaaaaaaaaaaaa',
    `Bearer ${ADMIN_KEY}x`,
    `Basic ${ADMIN_KEY}`,
    ADMIN_KEY,
    'Bearer',
    `Bearer ${'x'.repeat(4_000)}`,
  ];
  for (const authorization of wrong) {
    const refused = await failure(calls(client, authorization).listTenants(list));
    assert.equal(refused.code, 'UNAUTHENTICATED', authorization);
    assert.equal(refused.message, 'the API key is not valid');
  }
  const absent = await failure(calls(client, null).listTenants(list));
  assert.match(absent.message, /authorization: Bearer prk_/);
  await calls(client, `bearer ${ADMIN_KEY}`).listTenants(list);
});

test('a stranger does not wait for a configuration to come, and holds nothing here', async () => {
  const never = { [MIN_REVISION_METADATA]: String(2n ** 63n) };
  for (const authorization of [null, `Bearer ${ADMIN_KEY}x`]) {
    const refused = await failure(calls(client, authorization, never).listTenants(list));
    assert.equal(refused.code, 'UNAUTHENTICATED');
  }
});

test('a key that expired, or has a role that is unknown here, opens nothing', async () => {
  const write = (id: string, fields: { role?: string; tenant?: string; expireTime?: Date }) => {
    const secret = `prk_${id}_${'b2'.repeat(12)}`;
    const value = {
      ...ApiKeyConfig.fromPartial({}),
      id,
      hash: createHash('sha256').update(secret).digest(),
      role: 'admin',
      tenant: '',
      createTime: undefined,
      expireTime: undefined,
      ...fields,
    };
    const { writer, revision } = run.plane.view.snapshot();
    const record: ConfigRecord = {
      key: `api-key/${id}`,
      revision: String(BigInt(revision) + 1n),
      writerEpoch: BigInt(writer?.epoch ?? 0),
      schemaVersion: CONFIG_SCHEMA_VERSION,
      time: undefined,
      actor: 'test',
      entity: { $case: 'apiKey', value },
    };
    const offset = run.kafka.append(CONFIG_TOPIC, 0, {
      key: Buffer.from(record.key),
      value: Buffer.from(ConfigRecord.encode(record).finish()),
    });
    return run.plane.view
      .whenOffset(offset, 5_000)
      .then(() => failure(calls(client, `Bearer ${secret}`).listTenants(list)));
  };
  assert.equal((await write('expired', { expireTime: new Date(0) })).code, 'UNAUTHENTICATED');
  assert.equal((await write('reader', { role: 'reader' })).code, 'PERMISSION_DENIED');
});

test('a method without a rule, and one that only processes ask each other, may be called by nobody', () => {
  const admin = { grants: [{ role: 'admin', tenant: '' }] };
  authorize('GetTenant', admin, { name: 'tenants/acme' });
  for (const method of ['toString', 'PublishEvent', '', 'MoveWork']) {
    assert.throws(() => authorize(method as MethodName, admin, {}), { code: 'permission_denied' }, method);
  }
});

test('health needs no key and names every service', async () => {
  const definition = loadPackageDefinition(loadSync(protoPath)) as unknown as {
    grpc: { health: { v1: { Health: new (address: string, creds: object) => Client & { check: Check } } } };
  };
  type Check = (
    request: { service: string },
    callback: (error: Error | null, answer: { status: number }) => void,
  ) => void;
  const health = new definition.grpc.health.v1.Health(`127.0.0.1:${run.plane.port}`, credentials.createInsecure());
  for (const service of [
    '',
    'postrider.v1.TenantService',
    'postrider.v1.EndpointService',
    'postrider.v1.SubscriptionService',
  ]) {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    health.check({ service }, (error, answer) => (error === null ? resolve(answer.status) : reject(error)));
    assert.equal(await promise, 1, service);
  }
  health.close();
});

test('reflection is there when it is asked for, and absent otherwise', async () => {
  const ask = async (port: number): Promise<string> => {
    const definition = loadPackageDefinition(loadSync(reflectionProto)) as never as Reflection;
    const reflection = new definition.grpc.reflection.v1.ServerReflection(
      `127.0.0.1:${port}`,
      credentials.createInsecure(),
    );
    const stream = reflection.serverReflectionInfo(new Metadata());
    const { promise, resolve } = Promise.withResolvers<string>();
    stream.on('data', (data: unknown) => resolve(JSON.stringify(data)));
    stream.on('error', (error: Error) => resolve(error.message));
    stream.write({ listServices: '' });
    const answer = await promise;
    stream.cancel();
    reflection.close();
    return answer;
  };
  assert.match(await ask(run.plane.port), /postrider\.v1\.EndpointService/);
  await using without = await startTestPlane({ reflection: false });
  assert.match(await ask(without.plane.port), /UNIMPLEMENTED/);
});

test('a taken port is named, with the variable that changes it', async () => {
  const config = testConfig({ grpc: { host: '127.0.0.1', port: run.plane.port, address: '' }, topicPrefix: 'other.' });
  await using port = run.kafka.connect(config.processId);
  const start = startControlPlane(
    config,
    { kafka: port, clock: port.clock, log: run.log },
    new AbortController().signal,
  );
  await assert.rejects(start, new RegExp(`port ${run.plane.port} .*taken.*POSTRIDER_GRPC_PORT`));
});

test('a request larger than the limit is refused', async () => {
  const tenant = { tenantId: 'big', tenant: undefined, requestId: 'x'.repeat(2 * 1_024 * 1_024) };
  assert.equal((await failure(run.tenants.createTenant(tenant))).code, 'RESOURCE_EXHAUSTED');
});

test('a printed key of another form is refused without being shown', () => {
  for (const text of ['', 'prk_', 'prk_ab_x', 'sk_test_aaaaaaaaaaaaaaaaaaaaaaaaaaaa', `prk_UPPER_${'a'.repeat(24)}`]) {
    assert.throws(
      () => parseApiKey(new Secret(text)),
      (error: Error) => !error.message.includes('aaaa'),
    );
  }
});

test('a fault of our own is told in the log only', async () => {
  const kafka = run.kafka;
  await run.stop();
  await using first = await startTestPlane({}, kafka);
  await first.tenants.createTenant({ tenantId: 'sealed', tenant: undefined, requestId: '' });
  await first.stop();
  damageDataKey(kafka, 'tenant/sealed');
  await using other = await startTestPlane({}, kafka);
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/' });
  const refused = await failure(
    other.endpoints.createEndpoint({ parent: 'tenants/sealed', endpointId: '', endpoint, requestId: '' }),
  );
  assert.equal(refused.code, 'INTERNAL');
  assert.ok(!refused.message.includes('sealed'));
  const line = other.log.lines.find(({ level }) => level === 'error');
  assert.match(
    String((line?.fields['error'] as Error | undefined)?.message),
    /data-key sealed of tenant sealed cannot be opened/,
  );
});

/** One bit of what the tenant's data key is sealed in is not what it was. */
function damageDataKey(kafka: FakeKafka, key: string): void {
  const [topic, partition] = [CONFIG_TOPIC, 0];
  const { value } = kafka.records(topic).findLast((record) => record.key?.toString() === key) ?? assert.fail();
  const record = ConfigRecord.decode(value ?? assert.fail());
  if (record.entity?.$case !== 'tenant') assert.fail();
  const { dataKey = assert.fail() } = record.entity.value;
  dataKey.ciphertext[0] = (dataKey.ciphertext[0] ?? 0) ^ 1;
  const damaged = { ...record, revision: `${Number(record.revision) + 1}` };
  const bytes = Buffer.from(ConfigRecord.encode(damaged).finish());
  kafka.append(topic, partition, { key: Buffer.from(key), value: bytes, headers: {} });
}

interface Reflection {
  grpc: {
    reflection: {
      v1: { ServerReflection: new (address: string, creds: object) => Client & { serverReflectionInfo: Open } };
    };
  };
}
type Open = (metadata: Metadata) => import('@grpc/grpc-js').ClientDuplexStream<unknown, unknown>;
const reflectionProto = new URL('../proto/grpc/reflection/v1/reflection.proto', import.meta.resolve('@grpc/reflection'))
  .pathname;
