import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery } from '@postrider/contract/postrider/v1/delivery';
import { moveDelivery } from '@postrider/core';
import { goldens, uncovered } from './golden-files.ts';
import { differs, plain } from './plain.ts';
import { codecOf, loadRegistry, recordMessages, variantsOf } from './registry.ts';

// Records stay on topics for weeks and pass through processes of several versions. What any version wrote must be read
// by every later one, and must leave it as it came. `node test/golden/write.ts` adds what the second test misses.
const registry = loadRegistry();
const messages = recordMessages(registry);
const all = goldens();

for (const { name, message, bytes, json } of all) {
  test(`${name} is read as it was meant, and written again byte for byte, unknown fields included`, () => {
    const descriptor = messages.get(message);
    assert.ok(descriptor !== undefined, `there is no message ${message} any more`);
    const codec = codecOf(descriptor);
    const decoded = codec.decode(bytes);
    assert.deepEqual(differs(json, plain(decoded)), []);
    assert.equal(Buffer.from(codec.encode(decoded).finish()).toString('hex'), bytes.toString('hex'));
  });
}

test('a delivery that some version wrote is moved without a byte of it being lost', () => {
  const deliveries = all.filter(({ message }) => message === 'Delivery');
  assert.notEqual(deliveries.length, 0);
  for (const { bytes } of deliveries) {
    const moved = Delivery.decode(moveDelivery(bytes, { attempt: 7 }));
    assert.deepEqual(moved, { ...Delivery.decode(bytes), attempt: 7 });
  }
});

test('every field of every message that stands on a topic is set in a golden record', () => {
  const missing = [...messages.values()].flatMap((message) => variantsOf(message).flatMap((one) => uncovered(one)));
  assert.deepEqual(missing, [], 'run "node test/golden/write.ts" and commit what it adds');
});

test('the records are there: every kind of record of every topic', () => {
  const names = new Set(all.map(({ message }) => message));
  const wanted = [
    'Delivery',
    'RowVersion',
    'Attempt',
    'DeadLetter',
    'Quarantined',
    'Claim',
    'Progress',
    'ConfigRecord',
    'AuditRecord',
    'AuditEntry',
  ];
  for (const name of [...wanted, 'SealedSecret', 'Layout']) assert.ok(names.has(name), name);
});
