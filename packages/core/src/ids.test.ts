import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  attemptId,
  deliveryId,
  isTenantId,
  derivedUid,
  newUid,
  partitionOf,
  partitionOfKey,
  slotOf,
  webhookId,
  workKey,
} from './ids.ts';

const counting = (bytes: number) => Buffer.from(Array.from({ length: bytes }, (_, i) => i));

test('ids are what they were in the first release', () => {
  assert.equal(webhookId('acme', '/orders', 'order-1'), 'msg_cf61d43c7399db3c966bf0e9f9cff9a4');
  assert.equal(deliveryId(webhookId('acme', '/orders', 'order-1'), 'ep_1'), 'dlv_4ef7155e8aa9012557e5a55896049428');
  assert.equal(derivedUid('ep', ['tenants/acme', 'request-1']), 'ep_d75fcaa116b01db98f49a76985b4cd6f');
  assert.equal(newUid('ep', counting), 'ep_000102030405060708090a0b0c0d0e0f');
  assert.equal(attemptId(counting), 'att_000102030405060708090a0b0c0d0e0f');
});

test('slots and partitions are what they were in the first release', () => {
  assert.deepEqual(['', 'a', 'ep_000102030405060708090a0b0c0d0e0f', 'ähnlich'].map(slotOf), [3083, 435, 2337, 2085]);
  assert.equal(partitionOf('ep_000102030405060708090a0b0c0d0e0f', 12), 9);
  assert.equal(partitionOf('ep_000102030405060708090a0b0c0d0e0f', 64), 33);
  assert.equal(partitionOfKey('dlv_000102030405060708090a0b0c0d0e0f', 16), 5);
});

test('no two lists of parts share a webhook id', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '|', '|1|a', '3', '\ud800', '\ud801', 'ud800'),
  );
  fc.assert(
    fc.property(fc.tuple(part, part, part), fc.tuple(part, part, part), (a, b) => {
      assert.equal(
        webhookId(...a) === webhookId(...b),
        a.every((text, i) => text === b[i]),
      );
    }),
    { numRuns: 200 },
  );
});

test('halves of surrogate pairs, which have no UTF-8 form, are told apart', () => {
  assert.notEqual(webhookId('acme', '/', 'a\ud800'), webhookId('acme', '/', 'a\ud801'));
  assert.notEqual(webhookId('acme', '/', 'a\ud800'), webhookId('acme', '/', 'a\ufffd'));
});

test('a webhook id is safe in a header and in the signed text, whatever the event id is', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (tenant, source, id) => {
      assert.match(webhookId(tenant, source, id), /^msg_[0-9a-f]{32}$/);
    }),
  );
});

test('kinds of ids do not share hashes', () => {
  assert.notEqual(derivedUid('ep', ['a', 'b']).slice(3), derivedUid('sub', ['a', 'b']).slice(4));
  assert.notEqual(deliveryId('a', 'b').slice(4), derivedUid('ep', ['a', 'b']).slice(3));
});

test('endpoints are spread evenly over slots and partitions', () => {
  const perPartition = Array.from({ length: 64 }, () => 0);
  const slots = new Set<number>();
  for (let i = 0; i < 64_000; i++) {
    const uid = newUid('ep', randomBytes);
    slots.add(slotOf(uid));
    const partition = partitionOf(uid, 64);
    perPartition[partition] = (perPartition[partition] ?? 0) + 1;
  }
  assert.equal(slots.size, 4_096);
  assert.ok(Math.min(...perPartition) > 800, `fewest on one partition: ${Math.min(...perPartition)} of 1000 expected`);
  assert.ok(Math.max(...perPartition) < 1_200, `most on one partition: ${Math.max(...perPartition)} of 1000 expected`);
});

test('the hash reads UTF-8: where a character beyond ASCII stands makes no difference to how it is read', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 4_096 }), (text, count) => {
      const partition = partitionOfKey(text, count);
      assert.ok(Number.isInteger(partition) && partition >= 0 && partition < count);
      assert.equal(partition, partitionOfKey(Buffer.from(text, 'utf8').toString('utf8'), count));
    }),
  );
});

test('a partition count that cannot be is refused', () => {
  for (const count of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => partitionOf('ep_1', count), { code: 'layout_invalid' });
    assert.throws(() => partitionOfKey('ep_1', count), { code: 'layout_invalid' });
  }
  assert.throws(() => partitionOf('ep_1', 4_097), { code: 'layout_invalid' });
});

test('work is known by its delivery and run', () => {
  assert.equal(workKey('dlv_1', undefined), 'dlv_1');
  assert.equal(workKey('dlv_1', ''), 'dlv_1');
  assert.equal(workKey('dlv_1', { id: '' }), 'dlv_1');
  assert.equal(workKey('dlv_1', { id: 'run_7' }), 'dlv_1/run_7');
  assert.equal(workKey('dlv_1', 'run_7'), 'dlv_1/run_7');
});

test('the id of a tenant is what the contract says', () => {
  for (const id of ['a', 'acme', 'a-1', `a${'b'.repeat(62)}`]) assert.ok(isTenantId(id), id);
  for (const bad of ['', 'A', '1a', 'a-', '-a', 'a_b', 'a/b', 'ä', 'a\n', `a${'b'.repeat(63)}`]) {
    assert.ok(!isTenantId(bad), JSON.stringify(bad));
  }
});
