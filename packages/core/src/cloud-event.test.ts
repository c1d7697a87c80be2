import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeEvent } from './cloud-event.ts';
import type { EventHeaders } from './cloud-event.ts';
import {
  binaryHeaders,
  binaryRecord,
  event,
  fault,
  headersOf,
  options,
  position,
  R,
  rawRecord,
  structuredRecord,
  structuredWith,
  envelope,
} from './event-samples.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('binary mode: attributes from headers, the body is the value itself', () => {
  const record = binaryRecord({
    ce_subject: 'größe',
    ce_time: '2026-11-21T12:00:00Z',
    ce_dataschema: 'https://example.com/s',
    ce_partitionkey: 'k',
  });
  const { data, ...decoded } = event(record);
  assert.equal(decoded.body, record.value);
  assert.deepEqual(data(), { a: 1 });
  assert.deepEqual(decoded, {
    kind: 'event',
    mode: 'binary',
    tenant: 'acme',
    attributes: {
      id: 'order-1',
      source: '/orders',
      type: 'order.created',
      subject: 'größe',
      time: '2026-11-21T12:00:00Z',
      contentType: 'application/json',
      dataSchema: 'https://example.com/s',
      extensions: { tenant: 'acme', partitionkey: 'k' },
    },
    body: record.value,
    traceparent: '',
    tracestate: '',
    hopCount: 0,
  });
});

test('binary mode: a missing required attribute is named', () => {
  for (const name of ['ce_id', 'ce_source', 'ce_type', 'ce_specversion']) {
    assert.deepEqual(fault(binaryRecord({ [name]: undefined })), [R.ATTRIBUTE_MISSING, name]);
  }
});

test('binary mode: versions, repeated headers, names and encodings that are not allowed', () => {
  for (const version of ['0.3', '2.0', '', '1.0.2']) {
    assert.deepEqual(fault(binaryRecord({ ce_specversion: version })), [R.ATTRIBUTE_INVALID, 'ce_specversion']);
  }
  assert.deepEqual(fault(binaryRecord({ ce_id: ['a', 'b'] })), [R.ATTRIBUTE_INVALID, 'ce_id']);
  assert.deepEqual(fault(binaryRecord({ ce_id: ['a', 'a'] })), [R.ATTRIBUTE_INVALID, 'ce_id']);
  assert.deepEqual(fault(binaryRecord({ ce_id: undefined, CE_ID: 'a' })), [R.ATTRIBUTE_INVALID, 'CE_ID']);
  assert.deepEqual(fault(binaryRecord({ CE_ID: 'a' })), [R.ATTRIBUTE_INVALID, 'CE_ID']);
  assert.deepEqual(fault(binaryRecord({ ce_my_ext: 'a' })), [R.ATTRIBUTE_INVALID, 'ce_my_ext']);
  assert.deepEqual(fault(binaryRecord({ ce_: 'a' })), [R.ATTRIBUTE_INVALID, 'ce_']);
  assert.deepEqual(fault(binaryRecord({ ce_source: Buffer.from([0x2f, 0xff]) })), [R.ATTRIBUTE_INVALID, 'ce_source']);
  assert.deepEqual(fault(binaryRecord({ ce_subject: Buffer.from([0xc3]) })), [R.ATTRIBUTE_INVALID, 'ce_subject']);
});

test('an id is bounded and holds no control character; dots and emoji are fine', () => {
  for (const id of ['', 'x'.repeat(257), 'x'.repeat(10_000), 'a\r\nb', 'a\0b', 'a\u0085b', 'a\u2028b']) {
    assert.deepEqual(fault(binaryRecord({ ce_id: id })), [R.ATTRIBUTE_INVALID, 'ce_id'], JSON.stringify(id));
  }
  for (const id of ['x'.repeat(256), 'a.b', '📦', '-'])
    assert.equal(event(binaryRecord({ ce_id: id })).attributes.id, id);
});

test('a type and a source are bounded, and a type with wildcard characters stays what it is', () => {
  assert.equal(event(binaryRecord({ ce_type: 'order.*' })).attributes.type, 'order.*');
  assert.equal(event(binaryRecord({ ce_type: 'x'.repeat(255) })).attributes.type.length, 255);
  assert.deepEqual(fault(binaryRecord({ ce_type: 'x'.repeat(256) })), [R.ATTRIBUTE_INVALID, 'ce_type']);
  assert.deepEqual(fault(binaryRecord({ ce_type: '' })), [R.ATTRIBUTE_INVALID, 'ce_type']);
  assert.deepEqual(fault(binaryRecord({ ce_source: 'x'.repeat(1_025) })), [R.ATTRIBUTE_INVALID, 'ce_source']);
  assert.deepEqual(fault(structuredWith({ type: 'x'.repeat(1_500) })), [R.ATTRIBUTE_INVALID, 'type']);
});

test('a time is told on as published, valid or not', () => {
  for (const time of [undefined, '0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2026-02-30T00:00:00Z', 'soon']) {
    assert.equal(event(binaryRecord({ ce_time: time })).attributes.time, time ?? '');
  }
  assert.deepEqual(fault(binaryRecord({ ce_time: 'a\nb' })), [R.ATTRIBUTE_INVALID, 'ce_time']);
});

test('a content type is a media type or nothing, whatever the case of its header', () => {
  assert.equal(event(binaryRecord({ 'content-type': undefined })).attributes.contentType, '');
  assert.equal(event(binaryRecord({ 'content-type': 'text/html' })).attributes.contentType, 'text/html');
  const upper = binaryRecord({ 'content-type': undefined, 'Content-Type': 'text/xml; charset=utf-8' });
  assert.equal(event(upper).attributes.contentType, 'text/xml; charset=utf-8');
  for (const bad of ['json', 'text/html\r\nx: y', `text/${'x'.repeat(1_024)}`, 'a b/c', 'text/ü', ' text/html']) {
    assert.deepEqual(fault(binaryRecord({ 'content-type': bad })), [R.ATTRIBUTE_INVALID, 'content-type'], bad);
  }
  assert.deepEqual(fault(binaryRecord({ 'Content-Type': 'text/xml' })), [R.ATTRIBUTE_INVALID, 'content-type']);
  assert.deepEqual(fault(binaryRecord({ 'content-type': ['a/b', 'a/b'] })), [R.ATTRIBUTE_INVALID, 'content-type']);
});

test('the tenant is named once, by header or attribute, and never guessed', () => {
  const tenant = (changes: Parameters<typeof binaryRecord>[0]) => binaryRecord({ ce_tenant: undefined, ...changes });
  assert.equal(event(tenant({ 'postrider-tenant': 'acme' })).tenant, 'acme');
  assert.equal(event(tenant({ 'postrider-tenant': 'acme', ce_tenant: 'acme' })).tenant, 'acme');
  for (const changes of [
    {},
    { ce_tenant: '' },
    { 'postrider-tenant': '' },
    { 'postrider-tenant': 'acme', ce_tenant: 'other' },
    { 'postrider-tenant': ['acme', 'other'] },
    { 'postrider-tenant': ['acme', 'acme'] },
    ...['Acme', '-a', 'a-', '1a', 'a b', 'a\nb', 'ä', '__proto__', 'x'.repeat(64)].map((ce_tenant) => ({ ce_tenant })),
    { 'postrider-tenant': ['acme', 'other'], ce_tenant: 'acme' },
  ]) {
    assert.deepEqual(fault(tenant(changes)), [R.TENANT_UNKNOWN, 'postrider-tenant'], JSON.stringify(changes));
  }
  assert.deepEqual(fault(tenant({ ce_tenant: ['acme', 'other'] })), [R.ATTRIBUTE_INVALID, 'ce_tenant']);
  assert.equal(event(structuredWith({ tenant: 'other' })).tenant, 'other');
  for (const id of ['a', 'a-1', 'x'.repeat(63)]) assert.equal(event(tenant({ ce_tenant: id })).tenant, id);
});

test('a record without a value is no event; an empty value is an empty body', () => {
  assert.deepEqual(fault({ ...binaryRecord(), value: null }), [R.NO_BODY, '']);
  assert.deepEqual(event(binaryRecord({}, '')).body, Buffer.alloc(0));
  assert.deepEqual(fault(rawRecord('')), [R.MALFORMED, '']);
});

test('a body is as large as the limit says and no larger', () => {
  const bytes = (length: number) => `"${'x'.repeat(length - 2)}"`;
  assert.equal(event(binaryRecord({}, bytes(1_024))).body.length, 1_024);
  assert.deepEqual(fault(binaryRecord({}, bytes(1_025))), [R.TOO_LARGE, '']);
  assert.equal(event(rawRecord(bytes(1_024))).body.length, 1_024);
  assert.deepEqual(fault(rawRecord(bytes(1_025))), [R.TOO_LARGE, '']);
  const structured = (length: number) => structuredWith({ data: 'x'.repeat(length - 2) });
  assert.equal(event(structured(1_024)).body.length, 1_024);
  assert.deepEqual(fault(structured(1_025)), [R.TOO_LARGE, '']);
  assert.deepEqual(fault(structured(200_000)), [R.TOO_LARGE, '']);
  assert.equal(event(binaryRecord({}, 'x')).body.length, 1);
});

test('headers are bounded in number and in bytes', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x${i}`, 'v']));
  const own = Object.keys(binaryHeaders).length;
  assert.equal(event(binaryRecord(many(64 - own))).tenant, 'acme');
  assert.deepEqual(fault(binaryRecord(many(65 - own))), [R.HEADERS_TOO_LARGE, '']);
  assert.deepEqual(fault(binaryRecord(many(10_000))), [R.HEADERS_TOO_LARGE, '']);
  assert.deepEqual(fault(binaryRecord({ x: 'v'.repeat(16_384) })), [R.HEADERS_TOO_LARGE, '']);
  assert.deepEqual(fault(binaryRecord({ x: Array.from({ length: 500 }, () => '') })), [R.HEADERS_TOO_LARGE, '']);
  assert.deepEqual(fault({ ...binaryRecord(many(100)), value: null }), [R.HEADERS_TOO_LARGE, '']);
});

test('names that mean something to JavaScript mean nothing here', () => {
  const headers = headersOf({ ...binaryHeaders, constructor: 'x', toString: 'x' });
  (headers as Record<string, Buffer>)['__proto__'] = Buffer.from('x');
  assert.equal(event({ ...binaryRecord(), headers }).tenant, 'acme');
  assert.deepEqual(event(binaryRecord({ ce_constructor: 'x' })).attributes.extensions['constructor'], 'x');
  const proto = structuredRecord(`{"__proto__":{"id":"x"},${JSON.stringify(envelope).slice(1)}`);
  assert.deepEqual(fault(proto), [R.ATTRIBUTE_INVALID, '__proto__']);
  assert.deepEqual(fault({ ...binaryRecord(), headers: {} }), [R.ATTRIBUTE_MISSING, 'postrider-type']);
});

test('raw JSON: attributes from headers and settings', () => {
  const decoded = event(rawRecord(' {"a":1} '));
  assert.equal(decoded.mode, 'raw');
  assert.equal(decoded.body.toString(), ' {"a":1} ');
  assert.deepEqual(
    [decoded.attributes.id, decoded.attributes.source, decoded.attributes.type],
    ['shop.events-3-41', 'kafka:shop.events', 'order.created'],
  );
  const named = event(
    rawRecord('1', { 'postrider-id': 'a', 'postrider-source': '/b', 'content-type': 'application/json' }),
  );
  assert.deepEqual(
    [named.attributes.id, named.attributes.source, named.attributes.contentType],
    ['a', '/b', 'application/json'],
  );
  const noType = { ...rawRecord('1'), headers: headersOf({ 'postrider-tenant': 'acme' }) };
  assert.deepEqual(fault(noType), [R.ATTRIBUTE_MISSING, 'postrider-type']);
  assert.equal(event(noType, { rawType: 'shop.event', rawSource: '/shop' }).attributes.type, 'shop.event');
  assert.equal(event({ ...rawRecord('1'), key: Buffer.from('k-1') }, { rawId: 'key' }).attributes.id, 'k-1');
  assert.deepEqual(fault(rawRecord('1'), { rawId: 'key' }), [R.ATTRIBUTE_MISSING, 'key']);
  assert.deepEqual(fault({ ...rawRecord('1'), key: Buffer.from([0xff]) }, { rawId: 'key' }), [
    R.ATTRIBUTE_INVALID,
    'key',
  ]);
});

test('raw JSON: what is no JSON is malformed', () => {
  for (const bad of ['<xml/>', '{', 'NaN', '\ufeff{}', Buffer.from([0x22, 0xff, 0x22])]) {
    assert.deepEqual(fault(rawRecord(bad)), [R.MALFORMED, ''], String(bad));
  }
  assert.deepEqual(fault(rawRecord('1', { 'postrider-type': ['a', 'b'] })), [R.ATTRIBUTE_INVALID, 'postrider-type']);
  assert.deepEqual(fault(rawRecord('1', { 'postrider-id': 'a\nb' })), [R.ATTRIBUTE_INVALID, 'postrider-id']);
});

test('an event that went round more than three times is a loop', () => {
  assert.equal(event(binaryRecord({ 'postrider-hop-count': '3' })).hopCount, 3);
  assert.deepEqual(fault(binaryRecord({ 'postrider-hop-count': '4' })), [R.LOOP, 'postrider-hop-count']);
  assert.deepEqual(fault(rawRecord('1', { 'postrider-hop-count': '999999999' })), [R.LOOP, 'postrider-hop-count']);
  for (const bad of ['', '-1', '1.5', 'x', '9'.repeat(10)]) {
    const record = binaryRecord({ 'postrider-hop-count': bad });
    assert.deepEqual(fault(record), [R.ATTRIBUTE_INVALID, 'postrider-hop-count'], bad);
  }
});

test('trace context passes through, from the record or else the event; a damaged one is left out', () => {
  const trace = (changes: Parameters<typeof binaryRecord>[0]) => {
    const decoded = event(binaryRecord(changes));
    return [decoded.traceparent, decoded.tracestate];
  };
  const other = traceparent.replace('0af7', '1111');
  assert.deepEqual(trace({ traceparent, tracestate: 'a=1' }), [traceparent, 'a=1']);
  assert.deepEqual(trace({ ce_traceparent: traceparent, ce_tracestate: 'a=1' }), [traceparent, 'a=1']);
  assert.deepEqual(trace({ traceparent: other, ce_traceparent: traceparent, ce_tracestate: 'a=1' }), [other, '']);
  assert.deepEqual(trace({ traceparent: 'damaged', ce_traceparent: traceparent }), [traceparent, '']);
  assert.deepEqual(trace({ traceparent, tracestate: 'ü' }), [traceparent, '']);
  assert.deepEqual(trace({ tracestate: 'a=1' }), ['', '']);
  for (const bad of [
    '',
    'x',
    traceparent.toUpperCase(),
    `ff${traceparent.slice(2)}`,
    `${traceparent}-${'x'.repeat(300)}`,
  ]) {
    assert.deepEqual(trace({ traceparent: bad }), ['', ''], bad);
  }
});

test('whatever a record holds, it is an event or has a reason', () => {
  const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
  const name = fc.oneof(
    fc.constantFrom(...Object.keys(binaryHeaders), 'postrider-tenant', 'traceparent', '__proto__'),
    fc.string(),
  );
  const headers = fc
    .array(
      fc.tuple(
        name,
        fc.oneof(
          bytes,
          fc.array(bytes),
          fc.constantFrom(...Object.values(binaryHeaders)).map((text) => Buffer.from(text)),
        ),
      ),
    )
    .map((pairs) => Object.assign(Object.create(null) as EventHeaders, Object.fromEntries(pairs)));
  const contentTypes = fc.constantFrom('application/json', 'application/cloudevents+json', 'x');
  fc.assert(
    fc.property(
      headers,
      contentTypes,
      fc.option(
        fc.oneof(
          bytes,
          fc.json().map((text) => Buffer.from(text)),
        ),
      ),
      (some, type, value) => {
        const decoded = decodeEvent(
          { ...position, headers: { ...some, 'content-type': Buffer.from(type) }, value },
          options,
        );
        assert.ok(decoded.kind === 'event' ? decoded.tenant !== '' : decoded.reason !== R.INTERNAL_ERROR);
      },
    ),
    { numRuns: 2_000 },
  );
});
