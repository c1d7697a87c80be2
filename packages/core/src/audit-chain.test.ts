import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditAction, AuditEntry, AuditRecord } from '@postrider/contract/postrider/v1/audit';
import { auditStart, chainEntry, createAuditCheck, readAuditRecord } from './audit-chain.ts';
import type { AuditHead } from '@postrider/contract/postrider/v1/audit';

/** A chain of so many entries behind a head. */
function chain(count: number, behind: AuditHead = auditStart, who = 'a'): { values: Buffer[]; head: AuditHead } {
  let head = behind;
  const values = Array.from({ length: count }, (_, index) => {
    const entry = AuditEntry.fromPartial({
      principal: `user/${who}`,
      resource: `r${index}`,
      action: AuditAction.UPDATE,
    });
    const next = chainEntry(entry, head);
    head = next.head;
    return next.value;
  });
  return { values, head };
}

function verify(values: readonly (Buffer | null)[], pinned?: AuditHead) {
  const check = createAuditCheck(pinned);
  values.forEach((value, offset) => check.take(value, offset));
  check.end();
  return check;
}

/** Where it breaks, and how many were verified before. */
function breakOf(values: readonly (Buffer | null)[], pinned?: AuditHead) {
  const { broken, verified } = verify(values, pinned);
  return broken === null ? null : [broken.sequence, broken.offset, verified];
}

const { values, head } = chain(6);
const [one, two, three, four, five, six] = values as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];

test('a chain as it was written is whole, and its head is that of its newest entry', () => {
  const check = verify(values, head);
  assert.deepEqual([check.broken, check.verified, check.head], [null, 6, head]);
  assert.equal(readAuditRecord(six)?.name, 'auditEntries/6');
  assert.deepEqual(readAuditRecord(six)?.hash, head.hash);
});

test('an entry that was altered is found, by a byte as by a word, also when its hash was made to fit', () => {
  const record = AuditRecord.decode(three);
  for (let at = 0; at < record.entry.length; at += 1) {
    const entry = Buffer.from(record.entry);
    entry[at] = (entry[at] ?? 0) ^ 1;
    const altered = Buffer.from(AuditRecord.encode({ ...record, entry }).finish());
    assert.deepEqual(breakOf([one, two, altered, four, five, six])?.[1], 2, `byte ${at}`);
  }
  const rewritten = chainEntry(
    { ...AuditEntry.decode(record.entry), principal: 'user/b' },
    readAuditRecord(two) ?? auditStart,
  );
  assert.deepEqual(breakOf([one, two, rewritten.value, four, five, six]), [4n, 3, 3]);
});

test('entries that were removed, put in another order, repeated or inserted are found where they are', () => {
  assert.deepEqual(breakOf([one, two, four, five, six]), [3n, 2, 2]);
  assert.deepEqual(breakOf([one, three, two, four, five, six]), [2n, 1, 1]);
  assert.deepEqual(breakOf([one, two, two, three, four, five, six]), [3n, 2, 2]);
  const inserted = chainEntry(AuditEntry.fromPartial({ principal: 'user/c' }), readAuditRecord(two) ?? auditStart);
  assert.deepEqual(breakOf([one, two, inserted.value, three, four, five, six]), [4n, 3, 3]);
});

test('what is no entry breaks the chain', () => {
  assert.deepEqual(breakOf([one, null, two]), [2n, 1, 1]);
  assert.deepEqual(breakOf([one, Buffer.from('foreign'), two]), [2n, 1, 1]);
  assert.deepEqual(breakOf([Buffer.alloc(0)]), [1n, 0, 0]);
});

test('an end that was cut off is found by a head that was noted, and only by it', () => {
  assert.equal(breakOf([one, two, three, four]), null);
  assert.deepEqual(breakOf([one, two, three, four], head), [5n, -1, 4]);
});

test('a chain that was written anew from some entry on is found by a head that was noted', () => {
  const forged = chain(4, readAuditRecord(two) ?? auditStart, 'b').values;
  assert.equal(breakOf([one, two, ...forged]), null);
  assert.deepEqual(breakOf([one, two, ...forged], head), [6n, 5, 5]);
});

test('what is kept may begin anywhere and is whole from there; a first entry is behind nothing', () => {
  const rest = verify([three, four, five, six], head);
  assert.deepEqual([rest.broken, rest.verified, rest.first?.sequence], [null, 4, 3n]);
  assert.equal(breakOf([five, six], readAuditRecord(two) ?? auditStart), null);
  const { value } = chainEntry(AuditEntry.fromPartial({}), { sequence: 0n, hash: Buffer.alloc(32, 1) });
  assert.deepEqual(breakOf([value]), [1n, 0, 0]);
});
