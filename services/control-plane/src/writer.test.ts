import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentials, Metadata, status } from '@grpc/grpc-js';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { TenantServiceClient } from '@postrider/contract/postrider/v1/tenant_service';
import { configKey } from '@postrider/config-view';
import { createFakeClock, createFakeKafka, settled } from '@postrider/kafka/testing';
import { ADMIN_KEY, calls, CONFIG_TOPIC, failure, startTestPlane } from '../testing/harness.ts';
import { creation, recordsOf, startOn, writeAs } from '../testing/replicas.ts';
import { MIN_REVISION_METADATA, REVISION_TRAILER } from './call-routing.ts';

test('the first start makes the topics, the layout, the claim and the key; the second finds them', async () => {
  const kafka = createFakeKafka();
  await using first = await startTestPlane({}, kafka);
  const { layout, writer } = first.plane.view.snapshot();
  assert.deepEqual(
    { ...layout, _unknownFields: {} },
    { generation: 1, partitions: 4, slots: 4096, _unknownFields: {} },
  );
  assert.equal(kafka.records(CONFIG_TOPIC)[writer?.epoch ?? -1]?.key?.toString(), 'writer/current');
  await first.stop();
  const before = recordsOf(kafka).length;
  await using second = await startTestPlane({ partitions: 8 }, kafka);
  assert.equal(second.plane.view.snapshot().layout?.partitions, 4, 'the layout on config decides');
  assert.deepEqual(
    recordsOf(kafka)
      .slice(before)
      .map(({ key }) => key),
    ['writer/current'],
  );
});

test('a restart keeps everything, and a repeated request is answered as before it', async () => {
  const kafka = createFakeKafka();
  await using first = await startTestPlane({}, kafka);
  const tenant = { tenantId: 'acme', tenant: undefined, requestId: 'q' };
  await first.tenants.createTenant(tenant);
  const creation = {
    parent: 'tenants/acme',
    endpointId: '',
    endpoint: Endpoint.fromPartial({ url: 'https://a.acme.dev/' }),
    requestId: 'q',
  };
  const { signingSecret, ...created } = await first.endpoints.createEndpoint(creation);
  const subscription = Subscription.fromPartial({ eventTypes: ['*'] });
  const subscribed = await first.subscriptions.createSubscription({
    parent: created.name,
    subscriptionId: '',
    subscription,
    requestId: 'q',
  });
  await first.stop();
  kafka.compact(CONFIG_TOPIC);
  await using second = await startTestPlane({}, kafka);
  assert.notEqual(signingSecret, '');
  assert.deepEqual(await second.endpoints.getEndpoint({ name: created.name }), { ...created, signingSecret: '' });
  assert.deepEqual(await second.endpoints.createEndpoint(creation), { ...created, signingSecret: '' });
  assert.equal((await second.tenants.createTenant(tenant)).name, 'tenants/acme');
  assert.deepEqual(
    await second.subscriptions.createSubscription({
      parent: created.name,
      subscriptionId: '',
      subscription,
      requestId: 'q',
    }),
    subscribed,
  );
  const changed = await second.endpoints.updateEndpoint({
    endpoint: Endpoint.fromPartial({ name: created.name, displayName: 'x', etag: created.etag }),
    updateMask: undefined,
  });
  assert.ok(BigInt(changed.revision) > BigInt(subscribed.revision));
});

test('every revision lies above its writer’s epoch and none is used twice', async () => {
  const kafka = createFakeKafka();
  for (const id of ['a', 'b', 'c']) {
    await using run = await startTestPlane({}, kafka);
    await run.tenants.createTenant({ tenantId: id, tenant: undefined, requestId: '' });
    await run.tenants.deleteTenant({ name: `tenants/${id}`, force: false, etag: '' });
    await run.stop();
  }
  const revisions = recordsOf(kafka).map(({ revision }) => Number(revision));
  assert.equal(new Set(revisions).size, revisions.length);
  assert.deepEqual(
    revisions,
    revisions.toSorted((a, b) => a - b),
  );
  for (const { key, revision, writerEpoch } of recordsOf(kafka)) {
    if (key !== 'writer/current') assert.ok(BigInt(revision) > writerEpoch);
  }
});

test('a record of an older writer is ignored, and the truth is written again behind it', async () => {
  const kafka = createFakeKafka();
  await using first = await startTestPlane({}, kafka);
  await first.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const oldEpoch = first.plane.view.snapshot().writer?.epoch ?? -1;
  await first.stop();
  await using second = await startTestPlane({}, kafka);
  const truth = second.plane.view.snapshot().tenant('acme')?.tenant;
  const stale = { name: 'tenants/acme', displayName: 'stale' };
  const entity = {
    $case: 'tenant' as const,
    value: {
      tenant: { ...truth, ...stale } as never,
      dataKey: undefined,
      createRequestId: '',
      dataKeyId: '',
      dataKeySealTime: undefined,
    },
  };
  const { revision } = second.plane.view.snapshot();
  writeAs(kafka, second.plane, configKey('tenant', 'acme'), entity, oldEpoch);
  writeAs(kafka, second.plane, configKey('tenant', 'gone'), entity, oldEpoch);
  assert.ok(await second.plane.view.whenReached(String(BigInt(revision) + 2n), 5_000));
  const [again, deletion] = recordsOf(kafka).slice(-2);
  assert.equal(again?.entity?.$case === 'tenant' && again.entity.value.tenant?.displayName, '');
  assert.deepEqual([deletion?.key, deletion?.entity?.$case], ['tenant/gone', 'tombstone']);
  await second.stop();
  kafka.compact(CONFIG_TOPIC);
  await using third = await startTestPlane({}, kafka);
  assert.equal((await third.tenants.getTenant({ name: 'tenants/acme' })).displayName, '');
  assert.equal((await failure(third.tenants.getTenant({ name: 'tenants/gone' }))).code, 'NOT_FOUND');
});

test('a truth that could not be written again is written a little later', async () => {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  const before = await settled(clock, startOn(kafka, 'first').starting);
  const oldEpoch = before.view.snapshot().writer?.epoch;
  await settled(clock, before[Symbol.asyncDispose]());
  const { starting, log } = startOn(kafka, 'second');
  const plane = await settled(clock, starting);
  try {
    kafka.failNextProduce(CONFIG_TOPIC, { kind: 'refuse', errorCode: 87 }, 2);
    const entity = {
      $case: 'tenant' as const,
      value: { tenant: undefined, dataKey: undefined, createRequestId: '', dataKeyId: '', dataKeySealTime: undefined },
    };
    writeAs(kafka, plane, configKey('tenant', 'gone'), entity, oldEpoch);
    const isWritten = (): boolean => recordsOf(kafka).at(-1)?.entity?.$case === 'tombstone';
    for (let seconds = 0; !isWritten() && seconds < 60; seconds += 1) await clock.advance(1_000);
    assert.ok(isWritten());
    assert.equal(log.lines.filter(({ message }) => message.includes('could not be written again')).length, 2);
  } finally {
    await settled(clock, plane[Symbol.asyncDispose]());
  }
});

test('changes that come together are written together, and each sees those before it', async () => {
  const kafka = createFakeKafka();
  await using run = await startTestPlane({}, kafka);
  let writes = 0;
  kafka.onProduce(({ topic }) => {
    if (topic === CONFIG_TOPIC) writes += 1;
    return undefined;
  });
  const results = await Promise.allSettled([
    ...['a', 'b', 'c'].map((id) => run.tenants.createTenant(creation(id))),
    run.tenants.createTenant({ ...creation('a'), requestId: 'another' }),
  ]);
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
  );
  assert.ok(writes < 4, `${writes} writes`);
  const stored = recordsOf(kafka).filter(({ key }) => key.startsWith('tenant/'));
  assert.deepEqual(
    stored.map(({ key }) => key),
    ['tenant/a', 'tenant/b', 'tenant/c'],
  );
});

test('a read waits for the revision that it asks for, and is told when that does not come', async () => {
  const kafka = createFakeKafka();
  await using run = await startTestPlane({}, kafka);
  const client = new TenantServiceClient(`127.0.0.1:${run.plane.port}`, credentials.createInsecure());
  const read = (minRevision: string) => {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${ADMIN_KEY}`);
    metadata.set(MIN_REVISION_METADATA, minRevision);
    const { promise, resolve } = Promise.withResolvers<string>();
    const deadline = Date.now() + 1_000;
    const call = client.getTenant({ name: 'tenants/acme' }, metadata, { deadline }, () => {});
    call.on('status', ({ code, metadata: trailer }) =>
      resolve(`${status[code]} ${BigInt(String(trailer.get(REVISION_TRAILER)[0] ?? 0)) >= BigInt(minRevision || 0)}`),
    );
    return promise;
  };
  const { revision } = run.plane.view.snapshot();
  const waiting = read(String(BigInt(revision) + 1n));
  await run.tenants.createTenant(creation('acme'));
  assert.equal(await waiting, 'OK true');
  assert.match(await read(String(BigInt(revision) + 1_000n)), /^(?:UNAVAILABLE|DEADLINE_EXCEEDED) /);
  client.close();
});

test('a change whose acknowledgement was lost is stored once', async () => {
  const kafka = createFakeKafka();
  await using run = await startTestPlane({}, kafka);
  kafka.failNextProduce(CONFIG_TOPIC, { kind: 'lose-answer' });
  const created = await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  assert.equal(recordsOf(kafka).filter(({ key }) => key === 'tenant/acme').length, 1);
  assert.deepEqual(await run.tenants.getTenant({ name: 'tenants/acme' }), created);
});

test('a change that Kafka refuses for good is told, and the next one goes through', async () => {
  const kafka = createFakeKafka();
  await using run = await startTestPlane({}, kafka);
  kafka.failNextProduce(CONFIG_TOPIC, { kind: 'refuse', errorCode: 87 });
  const refused = await failure(run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' }));
  assert.equal(refused.code, 'INTERNAL');
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
});

test('while Kafka is away a change ends in 10 s with UNAVAILABLE, reads go on, and all is well afterwards', async () => {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  const first = startOn(kafka, 'first');
  const plane = await settled(clock, first.starting);
  const client = new TenantServiceClient(`127.0.0.1:${plane.port}`, credentials.createInsecure());
  const tenants = calls(client);
  const create = (tenantId: string) => tenants.createTenant({ tenantId, tenant: undefined, requestId: tenantId });
  await settled(clock, create('before'), 1);
  kafka.brokerDown();
  const failures = await settled(clock, Promise.all([failure(create('during')), failure(create('queued'))]));
  assert.deepEqual(
    failures.map(({ code }) => code),
    ['UNAVAILABLE', 'UNAVAILABLE'],
  );
  assert.equal((await settled(clock, tenants.getTenant({ name: 'tenants/before' }), 1)).name, 'tenants/before');
  kafka.brokerUp();
  await clock.advance(5_000);
  assert.equal((await settled(clock, create('during'))).name, 'tenants/during');
  assert.equal((await settled(clock, create('after'))).name, 'tenants/after');
  client.close();
  await settled(clock, plane[Symbol.asyncDispose]());
});

test('Kafka down at the start: waits, says so, and serves when it is there', async () => {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  kafka.brokerDown();
  const first = startOn(kafka, 'first');
  await clock.advance(15_000);
  assert.ok(first.log.lines.some(({ message }) => message.includes('waits for Kafka')));
  kafka.brokerUp();
  const plane = await settled(clock, first.starting);
  await settled(clock, plane[Symbol.asyncDispose]());
});

test('told to stop while Kafka is down, the start ends', async () => {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  kafka.brokerDown();
  const { starting, stopping } = startOn(kafka, 'first');
  await clock.advance(3_000);
  stopping.abort();
  await assert.rejects(settled(clock, starting), { name: 'AbortError' });
});

test('topics that cannot keep the promises are named, all at once', async () => {
  const kafka = createFakeKafka();
  const port = kafka.connect('admin');
  await port.admin.createTopics([
    { name: 'postrider.deliveries', partitions: 1, replicationFactor: 1, config: { 'cleanup.policy': 'compact' } },
    { name: 'postrider.retry.1m', partitions: 1, replicationFactor: 1, config: {} },
  ]);
  await assert.rejects(startTestPlane({}, kafka), (error: Error) => {
    assert.match(error.message, /postrider\.deliveries has 1 partitions; it needs at least 4/);
    assert.match(error.message, /postrider\.retry\.1m has/);
    return true;
  });
  await assert.rejects(startTestPlane({ createTopics: false, topicPrefix: 'absent.' }, kafka), /absent\.config/);
});
