import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { EventType, EventTypeState } from '@postrider/contract/postrider/v1/event_type';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { limits } from '@postrider/core';
import { failure, startTestPlane } from '../../testing/harness.ts';
import type { Running } from '../../testing/harness.ts';

let run: Running;
const parent = 'tenants/acme/endpoints/orders';
before(async () => {
  run = await startTestPlane();
  await makeEndpoint(run);
});
after(() => run.stop());

async function makeEndpoint({ tenants, endpoints }: Running): Promise<void> {
  await tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/' });
  await endpoints.createEndpoint({ parent: 'tenants/acme', endpointId: 'orders', endpoint, requestId: '' });
}

function create(eventTypeId: string, fields: Partial<EventType> = {}, requestId = '') {
  return run.eventTypes.createEventType({ eventTypeId, eventType: EventType.fromPartial(fields), requestId });
}

function subscribe({ subscriptions }: Running, ...eventTypes: string[]) {
  const subscription = Subscription.fromPartial({ eventTypes });
  return subscriptions.createSubscription({ parent, subscriptionId: '', subscription, requestId: '' });
}

const money = { schema: '{"type":"object","required":["total"]}', examples: ['{"total":1}'] };

test('an event type is described, read, changed and deleted', async () => {
  const made = await create('invoice.paid', { description: 'Paid\nin full', ...money, labels: { team: 'billing' } });
  assert.equal(made.name, 'eventTypes/invoice.paid');
  assert.equal(made.state, EventTypeState.ACTIVE);
  assert.deepEqual(await run.eventTypes.getEventType({ name: made.name }), made);
  const eventType = { ...made, description: 'Paid' };
  const changed = await run.eventTypes.updateEventType({ eventType, updateMask: ['description'] });
  assert.equal(changed.description, 'Paid');
  assert.equal(changed.schema, money.schema);
  assert.notEqual(changed.etag, made.etag);
  assert.equal((await failure(run.eventTypes.updateEventType({ eventType, updateMask: ['*'] }))).code, 'ABORTED');
  assert.equal((await failure(run.eventTypes.deleteEventType({ name: made.name, etag: made.etag }))).code, 'ABORTED');
  await run.eventTypes.deleteEventType({ name: made.name, etag: changed.etag });
  assert.equal((await failure(run.eventTypes.getEventType({ name: made.name }))).code, 'NOT_FOUND');
});

test('a repeated creation is answered with the first one, and another one of this type is refused', async () => {
  const first = await create('again', {}, 'request-1');
  assert.deepEqual(await create('again', {}, 'request-1'), first);
  assert.equal((await failure(create('again', {}, 'request-2'))).code, 'ALREADY_EXISTS');
  assert.equal((await failure(create('again'))).code, 'ALREADY_EXISTS');
});

test('what is wrong with an event type is told field by field', async () => {
  const rows: readonly (readonly [string, Partial<EventType>, string])[] = [
    ['', {}, 'event_type_id'],
    ['.dot', {}, 'event_type_id'],
    ['order.*', {}, 'event_type_id'],
    ['a/b', {}, 'event_type_id'],
    ['a b', {}, 'event_type_id'],
    ['ä', {}, 'event_type_id'],
    ['a'.repeat(256), {}, 'event_type_id'],
    ['bad', { description: 'x'.repeat(2_001) }, 'event_type.description'],
    ['bad', { description: 'a\u0000b' }, 'event_type.description'],
    ['bad', { labels: { '': 'x' } }, 'event_type.labels[""]'],
    ['bad', { schema: '{' }, 'event_type.schema'],
    ['bad', { schema: '{"$ref":"#"}' }, 'event_type.schema'],
    ['bad', { schema: `"${'x'.repeat(limits.eventTypeSchemaBytesMax)}"` }, 'event_type.schema'],
    ['bad', { ...money, examples: ['{"total":1}', '{}'] }, 'event_type.examples[1]'],
    ['bad', { examples: ['{'] }, 'event_type.examples[0]'],
    ['bad', { examples: Array.from({ length: 11 }, () => '1') }, 'event_type.examples'],
    ['bad', { examples: [`"${'x'.repeat(40_000)}"`, `"${'x'.repeat(40_000)}"`] }, 'event_type.examples[1]'],
    ['bad', { examples: [`${'['.repeat(65)}${']'.repeat(65)}`] }, 'event_type.examples[0]'],
  ];
  for (const [id, fields, field] of rows) {
    const refused = await failure(create(id, fields));
    assert.equal(refused.code, 'INVALID_ARGUMENT', field);
    assert.ok(refused.fields.includes(field), `${field}: ${refused.violations.join()}`);
  }
  const long = await failure(create('fine', {}, 'x'.repeat(129)));
  assert.deepEqual(long.fields, ['request_id']);
});

test('a mask may not name what is not the client’s, and an update is judged as a whole', async () => {
  const made = await create('masked', money);
  const update = (updateMask: string[], fields: Partial<EventType> = {}) =>
    failure(run.eventTypes.updateEventType({ eventType: { ...made, ...fields }, updateMask }));
  for (const path of ['name', 'state', 'archive_time', 'create_time', 'update_time', 'etag', 'revision', 'none', ''])
    assert.deepEqual((await update([path])).fields, ['update_mask'], path);
  const other = await update(['schema'], { schema: '{"required":["amount"]}' });
  assert.deepEqual(other.fields, ['event_type.examples[0]']);
  const noName = { eventType: EventType.fromPartial({ name: 'eventType/x' }), updateMask: [] };
  assert.equal((await failure(run.eventTypes.updateEventType(noName))).code, 'INVALID_ARGUMENT');
  const absent = { eventType: EventType.fromPartial({ name: 'eventTypes/x' }), updateMask: [] };
  assert.equal((await failure(run.eventTypes.updateEventType(absent))).code, 'NOT_FOUND');
  assert.equal(
    (await failure(run.eventTypes.updateEventType({ eventType: undefined, updateMask: [] }))).code,
    'INVALID_ARGUMENT',
  );
});

test('lists are cut by prefix and by archive, and a token belongs to its filters', async () => {
  for (const id of ['list.a', 'list.b', 'list.c', 'listed']) await create(id);
  await run.eventTypes.archiveEventType({ name: 'eventTypes/list.b', etag: '' });
  const list = async (fields: object) => {
    const all = { pageSize: 0, pageToken: '', filter: '', orderBy: '', showArchived: false, typePrefix: 'list.' };
    const { eventTypes, nextPageToken } = await run.eventTypes.listEventTypes({ ...all, ...fields });
    return { names: eventTypes.map(({ name }) => name.split('.')[1]), nextPageToken };
  };
  assert.deepEqual((await list({})).names, ['a', 'c']);
  assert.deepEqual((await list({ showArchived: true })).names, ['a', 'b', 'c']);
  const first = await list({ pageSize: 1 });
  assert.deepEqual((await list({ pageToken: first.nextPageToken })).names, ['c']);
  for (const fields of [{ showArchived: true }, { typePrefix: 'list' }]) {
    const refused = await failure(list({ ...fields, pageToken: first.nextPageToken }));
    assert.deepEqual(refused.fields, ['page_token']);
  }
  assert.deepEqual((await failure(list({ typePrefix: 'x'.repeat(256) }))).fields, ['type_prefix']);
  assert.deepEqual((await failure(list({ pageSize: -1 }))).fields, ['page_size']);
});

test('no new subscription names an archived type; those that do go on, and may be changed otherwise', async () => {
  const { name } = await create('old.type');
  const before = await subscribe(run, 'old.type');
  const archived = await run.eventTypes.archiveEventType({ name, etag: '' });
  assert.equal(archived.state, EventTypeState.ARCHIVED);
  assert.ok(archived.archiveTime !== undefined);
  assert.deepEqual(await run.eventTypes.archiveEventType({ name, etag: '' }), archived);
  const refused = await failure(subscribe(run, 'other', 'old.type'));
  assert.deepEqual(refused.fields, ['subscription.event_types[1]']);
  assert.deepEqual(refused.fieldReasons, ['EVENT_TYPE_ARCHIVED']);
  await subscribe(run, 'old.*', '*');
  const subscription = { ...before, etag: '', eventTypes: ['new', 'old.type'] };
  await run.subscriptions.updateSubscription({ subscription, updateMask: ['event_types'] });
  const active = await run.eventTypes.unarchiveEventType({ name, etag: archived.etag });
  assert.deepEqual([active.state, active.archiveTime], [EventTypeState.ACTIVE, undefined]);
  await subscribe(run, 'old.type');
});

test('where the installation asks for it a subscription names described types only, and patterns are free', async () => {
  await using strict = await startTestPlane({ eventTypesRequired: true });
  await makeEndpoint(strict);
  const refused = await failure(subscribe(strict, 'order.paid', 'order.*'));
  assert.deepEqual(refused.fields, ['subscription.event_types[0]']);
  await strict.eventTypes.createEventType({ eventTypeId: 'order.paid', eventType: undefined, requestId: '' });
  await subscribe(strict, 'order.paid', 'order.*');
});

test('types are added and removed without undoing what others add at the same time', async () => {
  const { name, etag } = await subscribe(run, 'a');
  const add = (...eventTypes: string[]) => run.subscriptions.addEventTypes({ name, eventTypes, etag: '' });
  const remove = (...eventTypes: string[]) => run.subscriptions.removeEventTypes({ name, eventTypes, etag: '' });
  await Promise.all([add('b', 'a'), add('c'), add('d.*')]);
  const { eventTypes } = await run.subscriptions.getSubscription({ name });
  assert.deepEqual([eventTypes[0], eventTypes.toSorted()], ['a', ['a', 'b', 'c', 'd.*']]);
  assert.deepEqual((await remove('a', 'd.*', 'never.there')).eventTypes.toSorted(), ['b', 'c']);
  assert.deepEqual((await failure(remove('b', 'c'))).fields, ['subscription.event_types']);
  assert.deepEqual((await failure(add())).fields, ['event_types']);
  assert.deepEqual((await failure(add('x', 'x'))).fields, ['event_types[1]']);
  assert.deepEqual((await failure(add('bad*'))).fields, ['event_types[0]']);
  const many = Array.from({ length: 99 }, (_, n) => `t${n}`);
  assert.deepEqual((await failure(add(...many))).fields, ['subscription.event_types']);
  const stale = await failure(run.subscriptions.addEventTypes({ name, eventTypes: ['x'], etag }));
  assert.equal(stale.code, 'ABORTED');
});
