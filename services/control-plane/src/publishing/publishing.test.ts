import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { credentials, Metadata } from '@grpc/grpc-js';
import { Role } from '@postrider/contract/postrider/v1/access';
import { ApiKey } from '@postrider/contract/postrider/v1/access_service';
import { EventServiceClient, EventValidation, PublishedEvent } from '@postrider/contract/postrider/v1/event_service';
import { EventType } from '@postrider/contract/postrider/v1/event_type';
import { BadRequest } from '@postrider/contract/google/rpc/error_details';
import { Tenant, TenantQuotas } from '@postrider/contract/postrider/v1/tenant';
import { decodeEvent, limits, webhookId } from '@postrider/core';
import { ADMIN_KEY, calls, failure, startTestPlane } from '../../testing/harness.ts';
import type { ServiceError } from '@grpc/grpc-js';
import type { PublishEventStreamResponse, PublishResult } from '@postrider/contract/postrider/v1/event_service';
import type { Running } from '../../testing/harness.ts';

const EVENTS = 'postrider.events';
const parent = 'tenants/acme';
let run: Running;
before(async () => {
  run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
});
after(() => run.stop());

function event(id: string, fields: Partial<PublishedEvent> = {}): PublishedEvent {
  const data = Buffer.from('{"total": 1}');
  return PublishedEvent.fromPartial({ id, source: '/billing', type: 'invoice.paid', data, ...fields });
}

async function publish(
  events: PublishedEvent[],
  validation: EventValidation = EventValidation.UNSPECIFIED,
): Promise<PublishResult[]> {
  return (await run.events.publishEvents({ parent, events, validation })).results;
}

/** `field: description` of each result; empty for what is published. */
function told({ error }: PublishResult): string {
  const detail = error?.details.find(({ typeUrl }) => typeUrl.endsWith('BadRequest'));
  const violations = BadRequest.decode(detail?.value ?? new Uint8Array()).fieldViolations;
  return violations.map(({ field, description }) => `${field}: ${description}`).join() || (error?.message ?? '');
}

const stored = (id: string) => run.kafka.records(EVENTS).filter(({ headers }) => String(headers['ce_id']) === id);

test('what is answered as published stands on the source topic, and is read as it was given', async () => {
  const extensions = { comexampleid: '7', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
  const fields = { subject: 'invoice/7', time: '2026-11-22T04:00:00Z', dataSchema: 'https://acme.dev/s', extensions };
  const [result] = await publish([event('full', { ...fields, contentType: 'application/vnd.acme+json' })]);
  assert.equal(result?.error, undefined);
  assert.equal(result?.webhookId, webhookId('acme', '/billing', 'full'));
  const [record, ...more] = stored('full');
  assert.ok(record !== undefined && more.length === 0);
  const read = decodeEvent(record, { bodyBytesMax: limits.bodyBytesMax });
  assert.ok(read.kind === 'event');
  assert.deepEqual([read.mode, read.tenant, read.body.toString()], ['binary', 'acme', '{"total": 1}']);
  const { id, source, type, subject, time, contentType, dataSchema, extensions: kept } = read.attributes;
  assert.deepEqual(
    [id, source, type, subject, time],
    ['full', '/billing', 'invoice.paid', fields.subject, fields.time],
  );
  assert.deepEqual([contentType, dataSchema], ['application/vnd.acme+json', fields.dataSchema]);
  assert.equal(kept['comexampleid'], '7');
  assert.equal(read.traceparent, extensions.traceparent);
});

test('events of one key, else of one subject, share a partition in their order', async () => {
  const keys = Array.from({ length: 12 }, (_, n) => `k${n}`);
  await publish(keys.flatMap((key) => [event(`${key}-1`, { orderingKey: key }), event(`${key}-2`, { subject: key })]));
  const partitions = keys.map((key) => [stored(`${key}-1`)[0], stored(`${key}-2`)[0]]);
  for (const [first, second] of partitions) {
    assert.equal(first?.partition, second?.partition);
    assert.ok((first?.offset ?? 0) < (second?.offset ?? 0));
  }
  assert.ok(new Set(partitions.map(([first]) => first?.partition)).size > 1);
});

test('what is no event is told by its field, and does not keep the others back', async () => {
  const rows: readonly (readonly [Partial<PublishedEvent>, RegExp])[] = [
    [{ id: '' }, /^events\[\d+\]\.id: must not be empty/],
    [{ id: 'x'.repeat(257) }, /\.id: .*longer than 256/],
    [{ id: 'a\r\nb' }, /\.id: .*control character/],
    [{ source: '' }, /\.source: must not be empty/],
    [{ source: 'x'.repeat(1_025) }, /\.source: .*longer than 1024/],
    [{ type: '' }, /\.type: must not be empty/],
    [{ type: 'x'.repeat(256) }, /\.type: .*longer than 255/],
    [{ subject: 'a\u0000' }, /\.subject: .*control/],
    [{ time: 'x'.repeat(256) }, /\.time: .*longer/],
    [{ contentType: 'json' }, /\.content_type: .*media type/],
    [{ contentType: 'application/cloudevents+json' }, /\.data/],
    [{ extensions: { Upper: 'x' } }, /\.extensions\["Upper"\]: .*lower-case/],
    [{ extensions: { 'a-b': 'x' } }, /\.extensions\["a-b"\]/],
    [{ extensions: { id: 'other' } }, /\.extensions\["id"\]: is an attribute with a field of its own/],
    [{ extensions: { datacontenttype: 'x/y' } }, /field of its own/],
    [{ extensions: { tenant: 'other' } }, /\.extensions\["tenant"\]: .*two tenants/],
    [{ extensions: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`e${n}`, 'x'])) }, /\.data: .*headers/],
    [{ extensions: { big: 'x'.repeat(17_000) } }, /\.data: .*bytes/],
    [{ orderingKey: 'x'.repeat(256) }, /\.ordering_key: must have at most 255 bytes/],
    [{ data: Buffer.alloc(limits.bodyBytesDefault + 1) }, /\.data: the body has 262145 bytes; at most 262144/],
  ];
  for (const [index, [fields, wanted]] of rows.entries()) {
    const good = event(`beside-${index}`);
    const [bad, fine] = await publish([event(`bad-${index}`, fields), good]);
    assert.match(told(bad as PublishResult), wanted);
    assert.equal(bad?.webhookId, '');
    assert.equal(fine?.error, undefined);
    assert.deepEqual([stored(`bad-${index}`).length, stored(good.id).length], [0, 1]);
  }
  const most = event('most', { data: Buffer.alloc(limits.bodyBytesDefault) });
  assert.equal((await publish([most, event('empty', { data: Buffer.alloc(0) })])).map(told).join(''), '');
});

test('a call that is wrong as a whole publishes nothing', async () => {
  const before = run.kafka.records(EVENTS).length;
  const validation = EventValidation.UNSPECIFIED;
  const refusals: readonly (readonly [object, string, string])[] = [
    [{ parent: '' }, 'INVALID_ARGUMENT', 'parent'],
    [{ parent: 'tenants/acme/endpoints/a' }, 'INVALID_ARGUMENT', 'parent'],
    [{ parent: 'tenants/none' }, 'NOT_FOUND', ''],
    [{ events: [] }, 'INVALID_ARGUMENT', 'events'],
    [{ events: Array.from({ length: 1_001 }, (_, n) => event(`many-${n}`)) }, 'INVALID_ARGUMENT', 'events'],
    [{ validation: 99 }, 'INVALID_ARGUMENT', 'validation'],
  ];
  for (const [fields, code, field] of refusals) {
    const request = { parent, events: [event('whole')], validation, ...fields };
    const refused = await failure(run.events.publishEvents(request));
    assert.equal(refused.code, code, JSON.stringify(fields).slice(0, 80));
    assert.deepEqual(refused.fields, field === '' ? [] : [field]);
  }
  assert.equal(run.kafka.records(EVENTS).length, before);
});

test('the data are held against the event type where that is asked for', async () => {
  const schema = '{"type":"object","required":["total"],"properties":{"total":{"type":"integer"}}}';
  const eventType = EventType.fromPartial({ schema });
  await run.eventTypes.createEventType({ eventTypeId: 'order.paid', eventType, requestId: '' });
  await run.eventTypes.createEventType({ eventTypeId: 'order.plain', eventType: undefined, requestId: '' });
  const data = (text: string, type = 'order.paid', contentType = '') =>
    event('held', { type, data: Buffer.from(text), contentType });
  const given = [
    data('{"total":1}'),
    data('{"total":"1"}'),
    data('{'),
    data('{"total":1}', 'order.paid', 'text/plain'),
    data('{}', 'order.plain'),
    data('{}', 'order.unknown'),
  ];
  const { NONE, SCHEMA, STRICT } = EventValidation;
  assert.deepEqual((await publish(given, NONE)).map(told).join(''), '');
  const bySchema = (await publish(given, SCHEMA)).map(told);
  assert.deepEqual(bySchema, [
    '',
    'events[1].data: /total must be integer',
    'events[2].data: must be JSON: order.paid has a schema',
    'events[3].data: must be JSON: order.paid has a schema',
    '',
    '',
  ]);
  const strictly = (await publish(given, STRICT)).map(told);
  assert.deepEqual(strictly.toSpliced(5, 1), bySchema.toSpliced(5, 1));
  assert.equal(strictly[5], 'events[5].type: there is no event type order.unknown');
  await run.eventTypes.archiveEventType({ name: 'eventTypes/order.plain', etag: '' });
  assert.deepEqual((await publish([data('{}', 'order.plain')], STRICT)).map(told), [
    'events[0].type: order.plain is archived',
  ]);
  const changed = { ...eventType, name: 'eventTypes/order.paid', schema: '{"required":["other"]}' };
  await run.eventTypes.updateEventType({ eventType: changed, updateMask: ['schema'] });
  assert.match((await publish([data('{"total":1}')], SCHEMA)).map(told).join(), /required property 'other'/);
});

test('a tenant’s rate is a quota of its own, and says when to come back', async () => {
  const quotas = { ...TenantQuotas.fromPartial({}), publishedEventsPerSecond: 10 };
  await run.tenants.createTenant({ tenantId: 'slow', tenant: { ...Tenant.fromPartial({}), quotas }, requestId: '' });
  const many = {
    parent: 'tenants/slow',
    events: [event('a'), event('b'), event('c')],
    validation: EventValidation.NONE,
  };
  await run.events.publishEvents(many);
  const refused = await failure(run.events.publishEvents(many));
  assert.equal(refused.code, 'RESOURCE_EXHAUSTED');
  assert.equal(
    refused.quota,
    'tenants/slow: 10 published events a second at each replica (published_events_per_second)',
  );
  assert.ok(refused.retryAfterMs > 0 && refused.retryAfterMs <= 300, `${refused.retryAfterMs} ms`);
  assert.equal((await publish([event('others')])).map(told).join(), '');
});

test('a publisher publishes in its own tenant only', async () => {
  await run.tenants.createTenant({ tenantId: 'other', tenant: undefined, requestId: '' });
  const apiKey = ApiKey.fromPartial({ role: Role.PUBLISHER, tenant: parent });
  const { keyString } = await run.access.createApiKey({ apiKeyId: '', apiKey, requestId: '' });
  const client = new EventServiceClient(`127.0.0.1:${run.plane.port}`, credentials.createInsecure());
  const own = calls(client, `Bearer ${keyString}`);
  const request = { events: [event('own')], validation: EventValidation.NONE };
  assert.equal((await own.publishEvents({ ...request, parent })).results[0]?.error, undefined);
  const foreign = await failure(own.publishEvents({ ...request, parent: 'tenants/other' }));
  const absent = await failure(own.publishEvents({ ...request, parent: 'tenants/nobody' }));
  assert.deepEqual([foreign.code, absent.code], ['NOT_FOUND', 'NOT_FOUND']);
  client.close();
});

interface Part {
  readonly parent?: string;
  readonly events: PublishedEvent[];
}

/** Sends the parts and ends the stream. */
function stream(parts: Iterable<Part>, authorization = `Bearer ${ADMIN_KEY}`): Promise<PublishEventStreamResponse> {
  const client = new EventServiceClient(`127.0.0.1:${run.plane.port}`, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', authorization);
  const { promise, resolve, reject } = Promise.withResolvers<PublishEventStreamResponse>();
  const call = client.publishEventStream(metadata, (error, answer) =>
    error === null ? resolve(answer) : reject(error),
  );
  call.on('error', () => {});
  for (const part of parts) call.write({ parent, validation: EventValidation.NONE, ...part });
  call.end();
  return promise.finally(() => client.close());
}

test('a stream is answered at its end with what became of all of it, in its order', async () => {
  const parts = Array.from({ length: 40 }, (_, n) => ({
    events: [event(`s-${n}-0`, { subject: 'one' }), event(n % 10 === 3 ? '' : `s-${n}-1`, { subject: 'one' })],
  }));
  const { published, failed, failures } = await stream(parts);
  assert.deepEqual([published, failed], [76n, 4n]);
  assert.deepEqual(
    failures.map(({ index }) => index),
    [7n, 27n, 47n, 67n],
  );
  assert.equal(failures[0]?.error?.code, 3);
  const ids = run.kafka.records(EVENTS).flatMap(({ headers }) => {
    const id = String(headers['ce_id']);
    return id.startsWith('s-') ? [id] : [];
  });
  assert.deepEqual(
    ids,
    parts.flatMap(({ events }) => events.flatMap(({ id }) => (id === '' ? [] : [id]))),
  );
});

test('a stream that sends more than its tenant’s rate is read more slowly, and loses nothing', async () => {
  const quotas = { ...TenantQuotas.fromPartial({}), publishedEventsPerSecond: 100 };
  await run.tenants.createTenant({ tenantId: 'paced', tenant: { ...Tenant.fromPartial({}), quotas }, requestId: '' });
  const part = { parent: 'tenants/paced', events: Array.from({ length: 10 }, (_, n) => event(`p-${n}`)) };
  const { published, failed } = await stream(Array.from({ length: 5 }, () => part));
  assert.deepEqual([published, failed], [50n, 0n]);
});

test('a stream is refused as a call is: a wrong key, a foreign tenant, an empty part; an empty stream published nothing', async () => {
  const code = (parts: Part[], authorization?: string): Promise<number> =>
    stream(parts, authorization).then(
      () => 0,
      (error: ServiceError) => error.code,
    );
  assert.equal(await code([{ events: [event('x')] }], 'Bearer prk_wrong'), 16);
  assert.equal(await code([{ parent: 'tenants/nobody', events: [event('x')] }]), 5);
  assert.equal(await code([{ events: [] }]), 3);
  const { published, failed } = await stream([]);
  assert.deepEqual([published, failed], [0n, 0n]);
});
