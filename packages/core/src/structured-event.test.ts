import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { envelope, event, fault, R, structuredRecord, structuredWith } from './event-samples.ts';

test('structured mode: data is cut out of the source byte for byte', () => {
  const data = '{ "b" : 1.10,"a":\t"\\u0041",  "n":9007199254740993,"x":1e400,"__proto__":{},"a":2 , "s":"\\ud800" }';
  const record = structuredRecord(`{"data":  ${data} ,${JSON.stringify(envelope).slice(1)}`);
  const decoded = event(record);
  assert.equal(decoded.mode, 'structured');
  assert.equal(decoded.body.toString(), data);
  assert.equal(decoded.body.buffer, record.value?.buffer, 'not even copied');
  assert.deepEqual(decoded.attributes.extensions, { tenant: 'acme' });
});

test('structured mode: whatever the data, it arrives as it stood', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 3 }), fc.constantFrom('', ' ', '\n\t'), fc.boolean(), (data, space, first) => {
      const rest = JSON.stringify(envelope).slice(1, -1);
      const member = `"data"${space}:${space}${data}${space}`;
      const text = first ? `{${member},${rest}}` : `${space}{${rest},${space}${member}}${space}`;
      assert.equal(event(structuredRecord(text), { bodyBytesMax: 100_000 }).body.toString(), data);
    }),
  );
});

test('structured mode: text and binary data, and none', () => {
  assert.equal(event(structuredWith({ datacontenttype: 'text/xml', data: '<a>ü</a>' })).body.toString(), '<a>ü</a>');
  assert.equal(event(structuredWith({ datacontenttype: 'application/vnd.x+json', data: 'a' })).body.toString(), '"a"');
  assert.equal(event(structuredWith({ data: 'a' })).body.toString(), '"a"');
  assert.equal(event(structuredWith({ data: null })).body.toString(), 'null');
  assert.deepEqual(event(structuredWith({ data_base64: '/wA=' })).body, Buffer.from([0xff, 0]));
  assert.equal(event(structuredWith({})).body.length, 0);
});

test('structured mode: attributes of other types stand in their string form, null is absent', () => {
  const { extensions, subject } = event(structuredWith({ count: 3, flag: true, subject: null })).attributes;
  assert.deepEqual([extensions['count'], extensions['flag'], subject], ['3', 'true', '']);
  assert.deepEqual(fault(structuredWith({ extension: { a: 1 } })), [R.ATTRIBUTE_INVALID, 'extension']);
  assert.deepEqual(fault(structuredWith({ extension: [1] })), [R.ATTRIBUTE_INVALID, 'extension']);
  assert.deepEqual(fault(structuredWith({ extension: 1.5 })), [R.ATTRIBUTE_INVALID, 'extension']);
  assert.deepEqual(fault(structuredWith({ id: null })), [R.ATTRIBUTE_MISSING, 'id']);
  assert.deepEqual(fault(structuredRecord(`{"id":"x",${JSON.stringify(envelope).slice(1)}`)), [
    R.ATTRIBUTE_INVALID,
    'id',
  ]);
  assert.deepEqual(fault(structuredRecord(`{"\\u0069d":"x",${JSON.stringify(envelope).slice(1)}`)), [
    R.ATTRIBUTE_INVALID,
    'id',
  ]);
  assert.deepEqual(fault(structuredRecord(JSON.stringify(envelope).replace('order-1', '\\ud800'))), [
    R.ATTRIBUTE_INVALID,
    'id',
  ]);
  assert.deepEqual(fault(structuredWith({ tenant: '' })), [R.TENANT_UNKNOWN, 'postrider-tenant']);
});

test('structured mode: what cannot be parsed is malformed', () => {
  const text = JSON.stringify(envelope);
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  for (const bad of [
    text.slice(0, -5),
    `\ufeff${text}`,
    `${text.slice(0, -1)},}`,
    `${text.slice(0, -1)},"data":NaN}`,
    `[${text}]`,
    '"text"',
    'null',
    '',
    Buffer.from(text.replace('order-1', 'ÿ'), 'latin1'),
    `${text.slice(0, -1)},"data":${deep}}`,
  ]) {
    assert.deepEqual(
      fault(structuredRecord(bad), { bodyBytesMax: 500_000 }),
      [R.MALFORMED, ''],
      String(bad).slice(0, 80),
    );
  }
  for (const bad of ['a', '!!!!', '/wA', '_w==', 'QQ= =', ' QQ==', 1]) {
    assert.deepEqual(fault(structuredWith({ data_base64: bad })), [R.MALFORMED, 'data_base64'], String(bad));
  }
  assert.deepEqual(fault(structuredWith({ data: 1, data_base64: 'QQ==' })), [R.MALFORMED, 'data_base64']);
});

test('structured mode: other formats than JSON and batches are refused, never taken for bodies', () => {
  for (const type of [
    'application/cloudevents',
    'application/cloudevents+avro',
    'application/cloudevents-batch+json',
  ]) {
    const record = structuredRecord('[]', { 'content-type': type });
    assert.deepEqual(fault(record), [R.ATTRIBUTE_INVALID, 'content-type'], type);
  }
  assert.equal(
    event(structuredRecord(JSON.stringify(envelope), { 'content-type': 'Application/CloudEvents+JSON' })).mode,
    'structured',
  );
});
