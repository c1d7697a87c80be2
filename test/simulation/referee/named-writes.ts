import { DELIVERY_HEADER, header } from '@postrider/kafka';
import type { Tier } from '@postrider/core';
import type { Headers } from '@postrider/kafka';
import { hasRow, type Case } from './case.ts';
import { readProgress } from './ownership-ghost.ts';
import { fieldsOf, timeOf } from './wire.ts';

/** Every kind of write that a crash may come before or after. */
export const writeNames = [
  'claim',
  'first-progress',
  'progress',
  'released',
  'row-put',
  'row-put-again',
  'row-rewritten',
  'row-moved',
  'row-guard',
  'tombstone-newest',
  'tombstone-older',
  'tombstone-every-tier',
  'tombstone-answer',
  'attempt-done',
  'attempt-retry',
  'attempt-dead',
  'attempt-cancelled',
  'attempt-stopped',
  'dead-letter',
  'operations-event',
  'delivery',
  'quarantine',
  'router-commit',
] as const;
export type WriteName = (typeof writeNames)[number];

interface Write {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Headers;
}

const WAIT_REASON_GUARD = 9;
const DELIVERY_DUE_AT = 13;
const DELIVERY_ATTEMPT = 14;
const DELIVERY_WAIT_REASON = 18;

/** What a record is, before it is stored: tier records by what the logs say of their delivery until now. */
export function nameOfWrite(topic: string, write: Write, caseOf: (key: string) => Case | undefined): WriteName | null {
  switch (topic) {
    case 'ownership':
      return write.key?.toString() === 'owner' ? 'claim' : nameOfProgress(write.value);
    case 'retry.1m':
    case 'retry.1h':
    case 'retry.14d':
      return nameOfTierWrite(topic, write, caseOf(write.key?.toString() ?? ''));
    case 'attempts':
      return nameOfAttempt(write.value);
    case 'dead-letters':
      return 'dead-letter';
    case 'operations':
      return 'operations-event';
    case 'deliveries':
      return 'delivery';
    case 'quarantine':
      return 'quarantine';
    default:
      return null;
  }
}

function nameOfProgress(value: Buffer | null): WriteName {
  const progress = readProgress(value ?? Buffer.alloc(0));
  if (progress.released) return 'released';
  return progress.number === 1 ? 'first-progress' : 'progress';
}

function nameOfAttempt(value: Buffer | null): WriteName {
  const decision = fieldsOf(value ?? Buffer.alloc(0)).message(8);
  if (decision.has(2)) return 'attempt-retry';
  if (decision.has(3)) return 'attempt-dead';
  if (decision.has(4)) return 'attempt-cancelled';
  return decision.has(5) ? 'attempt-stopped' : 'attempt-done';
}

function nameOfTierWrite(tier: Tier, write: Write, one: Case | undefined): WriteName {
  const here = one?.rows.get(tier);
  if (write.value === null) {
    if (one === undefined) return 'tombstone-answer';
    if (here?.row !== true)
      return one.ending === null || here === undefined ? 'tombstone-every-tier' : 'tombstone-answer';
    return isNewest(one, tier) ? 'tombstone-newest' : 'tombstone-older';
  }
  if (one === undefined) return 'row-put';
  const fields = fieldsOf(header(write as { headers: Headers }, DELIVERY_HEADER) ?? Buffer.alloc(0));
  if (fields.number(DELIVERY_WAIT_REASON) === WAIT_REASON_GUARD) return 'row-guard';
  if (here?.row === true) {
    const same =
      here.attempt === fields.number(DELIVERY_ATTEMPT) && here.dueAt === timeOf(fields.message(DELIVERY_DUE_AT));
    return same ? 'row-rewritten' : 'row-put-again';
  }
  return hasRow(one) ? 'row-moved' : 'row-put';
}

function isNewest(one: Case, tier: Tier): boolean {
  const here = one.rows.get(tier);
  if (here === undefined) return false;
  for (const other of one.rows.values())
    if (other !== here && other.row && (other.epoch > here.epoch || (other.epoch === here.epoch && other.n > here.n)))
      return false;
  return true;
}
