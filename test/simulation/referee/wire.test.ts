import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timestamp } from '@postrider/contract/google/protobuf/timestamp';
import { fieldsOf, timeOf } from './wire.ts';

test('numbers, runs and nested messages are read by their field, the last one counts', () => {
  const once = Timestamp.encode({ seconds: -5n, nanos: 7_000_000 }).finish();
  const fields = fieldsOf(Buffer.concat([once, Timestamp.encode({ seconds: 1n << 40n, nanos: 0 }).finish()]));
  assert.equal(fields.number(1), 2 ** 40);
  assert.equal(fieldsOf(Buffer.from(once)).number(1), -5);
  assert.equal(timeOf(fieldsOf(Buffer.from(once))), -4_993);
  assert.equal(fields.number(3), 0);
  assert.equal(fields.has(3), false);
  // Field 5, twice: a message with a number in field 1.
  const outer = fieldsOf(Buffer.from([0x2a, 2, 0x08, 1, 0x2a, 2, 0x08, 2]));
  assert.deepEqual(
    outer.messages(5).map((message) => message.number(1)),
    [1, 2],
  );
  assert.equal(outer.message(5).number(1), 2);
  assert.deepEqual(outer.bytes(5), Buffer.from([0x08, 2]));
  assert.equal(outer.message(6).has(1), false);
});

test('a message that ends within a number is refused', () => {
  assert.throws(() => fieldsOf(Buffer.from([0x08, 0x80])), RangeError);
});
