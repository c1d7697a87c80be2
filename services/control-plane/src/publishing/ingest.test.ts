import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventValidation, PublishedEvent } from '@postrider/contract/postrider/v1/event_service';
import { createFakeKafka } from '@postrider/kafka/testing';
import { failure, startTestPlane } from '../../testing/harness.ts';

const event = PublishedEvent.fromPartial({ id: 'one', source: '/a', type: 'b', data: Buffer.from('{}') });
const request = { parent: 'tenants/acme', events: [event], validation: EventValidation.NONE };

test('a replica of the role ingest alone publishes without a leader, leads never, and serves nothing else', async () => {
  const kafka = createFakeKafka();
  await using config = await startTestPlane({ roles: new Set(['config'] as const) }, kafka);
  await config.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  assert.equal((await failure(config.events.publishEvents(request))).code, 'UNIMPLEMENTED');
  await using ingest = await startTestPlane({ roles: new Set(['ingest'] as const) }, kafka);
  await config.stop();
  assert.equal(ingest.plane.role(), 'ingest');
  assert.equal((await ingest.events.publishEvents(request)).results[0]?.error, undefined);
  assert.equal(kafka.records('postrider.events').length, 1);
  assert.equal((await failure(ingest.tenants.getTenant({ name: 'tenants/acme' }))).code, 'UNIMPLEMENTED');
  assert.equal(ingest.plane.role(), 'ingest');
});

test('events go to the topic that the installation names, and not to one that there is not', async () => {
  const kafka = createFakeKafka();
  kafka.createTopic('company.facts', 3);
  await using run = await startTestPlane({ publishTopic: 'company.facts' }, kafka);
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  await run.events.publishEvents(request);
  assert.deepEqual([kafka.records('company.facts').length, kafka.records('postrider.events').length], [1, 0]);
  await using lost = await startTestPlane({ publishTopic: 'company.none' }, kafka);
  const refused = await failure(lost.events.publishEvents(request));
  assert.equal(refused.code, 'UNAVAILABLE');
  assert.match(refused.message, /the topic company\.none cannot be written to/);
});
