import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEvent } from './cloud-event.ts';
import { limits } from './limits.ts';
import { checkPublished, publishedRecord } from './published-event.ts';

const event = {
  ...{ tenant: 'acme', id: '1', source: '/a', type: 'b', subject: '', time: '', contentType: '', dataSchema: '' },
  ...{ extensions: {}, data: Buffer.from('{}'), orderingKey: '' },
};

test('a record is read as the event that it was made of', () => {
  const full = {
    ...event,
    subject: 's',
    time: 't',
    contentType: 'text/plain',
    dataSchema: 'd',
    extensions: { x: '1' },
  };
  const record = publishedRecord(full, 7);
  const read = decodeEvent({ topic: 't', offset: 0, ...record }, { bodyBytesMax: 10 });
  assert.ok(read.kind === 'event');
  const { id, source, type, subject, time, contentType, dataSchema } = full;
  const { _unknownFields, extensions, ...attributes } = read.attributes;
  assert.deepEqual(attributes, { id, source, type, subject, time, contentType, dataSchema });
  assert.deepEqual([{ ...extensions }, read.tenant], [{ x: '1' }, 'acme']);
  assert.equal(read.body, full.data);
});

test('the key decides the partition: the ordering key, else the subject, else the tenant', () => {
  const key = (changes: object): string => publishedRecord({ ...event, ...changes }, 7).key.toString();
  assert.equal(key({ orderingKey: 'k', subject: 's' }), 'acme/k');
  assert.equal(key({ subject: 's' }), 'acme/s');
  assert.equal(key({}), 'acme/');
  const partitions = Array.from({ length: 50 }, (_, n) => publishedRecord({ ...event, subject: `s${n}` }, 7).partition);
  assert.deepEqual(new Set(partitions), new Set([0, 1, 2, 3, 4, 5, 6]));
});

test('what is wrong is told by the field of the API, whatever the header is called', () => {
  const check = (changes: object): string => {
    const wanted = { ...event, ...changes };
    const checked = checkPublished(wanted, publishedRecord(wanted, 1), limits.bodyBytesDefault);
    return 'kind' in checked ? '' : checked.map(({ field }) => field).join();
  };
  assert.equal(check({}), '');
  assert.equal(check({ id: '' }), 'id');
  assert.equal(check({ id: '', source: '', type: '' }), 'id,source,type');
  assert.equal(check({ contentType: 'nothing' }), 'content_type');
  const inner = { specversion: '1.0', id: '2', source: '/b', type: 'c', data: 1 };
  const data = Buffer.from(JSON.stringify(inner));
  assert.equal(check({ contentType: 'Application/CloudEvents+JSON; charset=utf-8', data }), 'content_type');
  assert.equal(check({ contentType: 'application/cloudevents-batch+json' }), 'content_type');
  assert.equal(check({ dataSchema: '\u0000' }), 'data_schema');
  assert.equal(check({ extensions: { tenant: 'other' } }), 'extensions["tenant"]');
  assert.equal(check({ extensions: { tenant: 'acme' } }), '');
  assert.equal(check({ extensions: { type: 'x' } }), 'extensions["type"]');
  assert.equal(check({ extensions: { Ab: 'x' } }), 'extensions["Ab"]');
  assert.equal(check({ data: Buffer.alloc(limits.bodyBytesDefault + 1) }), 'data');
  assert.equal(check({ orderingKey: 'ä'.repeat(128) }), 'ordering_key');
});
