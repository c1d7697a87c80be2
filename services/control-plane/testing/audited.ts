/** What stands on `audit` of an in-memory Kafka. */
import assert from 'node:assert/strict';
import { createAuditCheck, readAuditRecord } from '@postrider/core';
import { AUDIT_TOPIC } from './harness.ts';
import type { AuditEntry, AuditHead } from '@postrider/contract/postrider/v1/audit';
import type { AuditBreakFound } from '@postrider/core';
import type { FakeKafka } from '@postrider/kafka/testing';

/** Every entry, in order. */
export function auditedOf(kafka: FakeKafka): AuditEntry[] {
  return kafka.records(AUDIT_TOPIC).map(({ value }) => {
    const entry = readAuditRecord(value);
    assert.ok(entry !== null);
    return entry;
  });
}

/** The head of the chain and where it breaks. */
export function verifiedOf(kafka: FakeKafka, pinned?: AuditHead): { head: AuditHead; broken: AuditBreakFound | null } {
  const check = createAuditCheck(pinned);
  for (const { value, offset } of kafka.records(AUDIT_TOPIC)) check.take(value, offset);
  check.end();
  return { head: check.head, broken: check.broken };
}
