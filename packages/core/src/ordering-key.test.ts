import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderingMode } from '@postrider/contract/postrider/v1/delivery';
import { OnExhausted, Ordering } from '@postrider/contract/postrider/v1/endpoint';
import { binaryRecord, event as read, rawRecord, structuredWith } from './event-samples.ts';
import { compileOrderingKey, orderingKeyHash, validateOrdering, type KeyedEvent } from './ordering-key.ts';

const attributes = {
  ...{ id: 'e-1', source: '/shop', type: 'order.paid', subject: 'order-7', time: '', contentType: 'application/json' },
  ...{ dataSchema: '', extensions: { customerid: 'c-9' } },
};
const event = (data: unknown): KeyedEvent => ({ attributes, data: () => data });
const hashOf = (key: string, data: unknown): bigint => compileOrderingKey(key)(event(data));
const problemOf = (fields: Partial<Ordering>) => validateOrdering(Ordering.fromPartial(fields), 'ordering');

test('a key is an attribute, an extension, or a text, number or boolean in the data', () => {
  const data = { customer: { id: 'c-9', no: 12, vip: true }, items: [{ sku: 'a' }, { sku: 'b' }] };
  const cases: readonly (readonly [key: string, value: string])[] = [
    ['subject', 'order-7'],
    ['id', 'e-1'],
    ['customerid', 'c-9'],
    ['data.customer.id', 'c-9'],
    ['data.customer.no', '12'],
    ['data.customer.vip', 'true'],
    ['data.items.1.sku', 'b'],
  ];
  for (const [key, value] of cases) assert.equal(hashOf(key, data), orderingKeyHash(value), key);
  assert.equal(hashOf('data', 'text'), orderingKeyHash('text'));
});

test('events without the key share one order, whatever stands in its place', () => {
  const empty = orderingKeyHash('');
  const lacking = [undefined, null, 1, 'x', [], {}, { customer: null }, { customer: { id: null } }, { customer: [1] }];
  for (const data of [...lacking, { customer: { id: {} } }, { customer: { id: ['c-9'] } }]) {
    assert.equal(hashOf('data.customer.id', data), empty, JSON.stringify(data));
  }
  assert.equal(hashOf('unknown', {}), empty);
});

test('only members of its own count, whatever an object inherits or is called', () => {
  const empty = orderingKeyHash('');
  for (const key of ['data.toString', 'data.customer.length', 'data.constructor.name', 'data.__proto__.x']) {
    assert.equal(hashOf(key, { customer: ['a'] }), empty, key);
  }
  assert.equal(hashOf('constructor', {}), empty);
  const named = JSON.parse('{"hasOwnProperty":"k"}') as unknown;
  assert.equal(hashOf('data.hasOwnProperty', named), orderingKeyHash('k'));
});

test('hashes of keys are what they were in the first release', () => {
  assert.equal(orderingKeyHash(''), 0xb2cecd2611c29edcn);
  assert.equal(orderingKeyHash('c-9'), 0x66e1ed85aab661d7n);
});

test('a key is found in the data of an event of every mode; data that is no JSON has none', () => {
  const key = compileOrderingKey('data.a.b');
  const json = '{"a":{"b":"c-9"}}';
  for (const record of [binaryRecord({}, json), rawRecord(json), structuredWith({ data: { a: { b: 'c-9' } } })]) {
    assert.equal(key(read(record)), orderingKeyHash('c-9'));
  }
  const base64 = { data_base64: Buffer.from(json).toString('base64') };
  assert.equal(key(read(structuredWith(base64))), orderingKeyHash('c-9'));
  const none = [
    binaryRecord({ 'content-type': 'text/plain' }, json),
    binaryRecord({}, json.slice(1)),
    structuredWith({ data: json, datacontenttype: 'text/plain' }),
    structuredWith({}),
  ];
  for (const record of none) assert.equal(key(read(record)), orderingKeyHash(''));
});

test('the data of an event is parsed once, however many ask for it', () => {
  const { data } = read(binaryRecord({}, '{"a":{}}'));
  assert.equal(data(), data());
});

test('an ordering that cannot be obeyed is refused by the field at fault', () => {
  const fields = (ordering: Partial<Ordering>) => problemOf(ordering).map(({ field }) => field);
  assert.deepEqual(fields({}), []);
  assert.deepEqual(fields({ mode: OrderingMode.ENDPOINT, onExhausted: OnExhausted.STOP }), []);
  for (const mode of [OrderingMode.UNSPECIFIED, OrderingMode.NONE]) {
    assert.deepEqual(fields({ mode, onExhausted: OnExhausted.STOP }), ['ordering.on_exhausted']);
    assert.deepEqual(fields({ mode, onExhausted: OnExhausted.SKIP }), []);
  }
  assert.deepEqual(validateOrdering(undefined), []);
  assert.deepEqual(fields({ mode: OrderingMode.UNRECOGNIZED, onExhausted: OnExhausted.UNRECOGNIZED }), [
    'ordering.mode',
    'ordering.on_exhausted',
  ]);
  for (const mode of [OrderingMode.UNSPECIFIED, OrderingMode.NONE, OrderingMode.ENDPOINT]) {
    assert.deepEqual(fields({ mode, key: 'subject' }), ['ordering.key'], mode);
  }
});

test('a key is accepted or refused by its form', () => {
  const good = ['subject', 'customerid', 'data', 'data.a', 'data.items.0.sku', 'data.ä b', `data${'.a'.repeat(16)}`];
  for (const key of good) assert.deepEqual(problemOf({ mode: OrderingMode.KEY, key }), [], key);
  const bad = [
    ...[
      '',
      '.',
      'data.',
      'data..a',
      '.data',
      'Subject',
      'subject.x',
      'customer-id',
      'a b',
      'data.\u0000',
      'data.\ud800',
    ],
    ...['data.__proto__', 'data.a.constructor', 'data.prototype.x', '__proto__', `data${'.a'.repeat(17)}`],
    ...[`data.${'a'.repeat(251)}`],
  ];
  for (const key of bad) assert.equal(problemOf({ mode: OrderingMode.KEY, key }).length, 1, JSON.stringify(key));
});
