/** How long a leader answers nobody else while it deletes a large tenant. Double: Kafka, which answers at once. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { configKey } from '@postrider/config-view';
import { ConfigRecord, EndpointConfig, TenantConfig } from '@postrider/contract/postrider/v1/config';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { createFakeKafka } from '@postrider/kafka/testing';
import { CONFIG_TOPIC } from '../../testing/harness.ts';
import { openTestWriter } from '../../testing/test-writer.ts';
import { startOperations } from './run-operations.ts';
import { beginTenantDeletion } from './tenant-deletion.ts';
import type { FakeKafka } from '@postrider/kafka/testing';

const ENDPOINTS = 10_000;
/** The part of its whole work that may be done in one turn of the event loop; it is a few thousandths but for the garbage. */
const PART = 1 / 20;

/** A cluster on whose `config` the tenant stands, as some leader has written it. */
function withTenant(): FakeKafka {
  const kafka = createFakeKafka();
  kafka.createTopic(CONFIG_TOPIC);
  const name = 'tenants/acme';
  let revision = 0;
  const write = (kind: 'tenant' | 'endpoint' | 'subscription', id: string, entity: ConfigRecord['entity']): void => {
    const key = configKey(kind, id);
    const record = ConfigRecord.fromPartial({ key, revision: String((revision += 1)), schemaVersion: 1 });
    const value = Buffer.from(ConfigRecord.encode({ ...record, entity }).finish());
    kafka.append(CONFIG_TOPIC, 0, { key: Buffer.from(key), value });
  };
  const tenant = Tenant.fromPartial({ name, createTime: new Date(0) });
  write('tenant', 'acme', { $case: 'tenant', value: TenantConfig.fromPartial({ tenant }) });
  for (let at = 0; at < ENDPOINTS; at += 1) {
    const url = 'https://hooks.acme.dev/in';
    const endpoint = Endpoint.fromPartial({ uid: `ep_${at}`, name: `${name}/endpoints/e${at}`, url });
    const fields = { uid: `sub_${at}`, endpointUid: endpoint.uid, name: `${endpoint.name}/subscriptions/all` };
    const subscription = Subscription.fromPartial({ ...fields, eventTypes: ['order.paid'] });
    write('endpoint', endpoint.uid, { $case: 'endpoint', value: EndpointConfig.fromPartial({ endpoint }) });
    write('subscription', fields.uid, { $case: 'subscription', value: subscription });
  }
  return kafka;
}

/** The longest turn of the event loop, in ms of this thread's CPU, until it is stopped. */
function startProbe(): () => Promise<{ readonly longestMs: number; readonly totalMs: number }> {
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  const begun = spent();
  let longestMs = 0;
  let stopped = false;
  const probing = (async () => {
    for (let before = begun; !stopped;) {
      await new Promise((resolve) => setImmediate(resolve));
      const now = spent();
      longestMs = Math.max(longestMs, now - before);
      before = now;
    }
  })();
  return async () => {
    stopped = true;
    await probing;
    return { longestMs, totalMs: spent() - begun };
  };
}

test(`a tenant of ${ENDPOINTS} endpoints is deleted in many short turns of the event loop: everybody else has theirs in between`, async (t) => {
  await using leader = await openTestWriter(withTenant());
  const { writer, view, port, log } = leader;
  const id = await writer.change('user/admin', (change) => {
    const config = change.snapshot.tenant('acme');
    assert.ok(config !== undefined);
    return beginTenantDeletion(change, 'acme', config, 'user/admin', randomBytes);
  });
  const done = Promise.withResolvers<void>();
  const stop = startProbe();
  using _running = startOperations({
    ...{ view, writer, clock: port.clock, log },
    events: { operationDone: () => done.resolve() },
  });
  await done.promise;
  const { longestMs, totalMs } = await stop();
  t.diagnostic(`longest turn ${longestMs.toFixed(1)} ms of ${totalMs.toFixed(0)} ms of CPU in all`);
  assert.equal(view.snapshot().operation(id)?.operation?.done, true);
  assert.deepEqual([view.snapshot().endpointCount('acme'), view.snapshot().subscriptionCount('acme')], [0, 0]);
  assert.ok(longestMs < totalMs * PART, `${longestMs} ms of ${totalMs} ms`);
});
