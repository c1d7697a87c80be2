import { hash } from 'node:crypto';
import { AuditEntry, AuditRecord } from '@postrider/contract/postrider/v1/audit';
import { encodedBytes } from './encoded-bytes.ts';
import type { AuditHead } from '@postrider/contract/postrider/v1/audit';

/** Put before an entry's bytes when it is hashed, so that its hash is that of nothing else. */
const DOMAIN = Buffer.from('postrider audit 1\n');
const HASH_BYTES = 32;

/** The head of a chain without entries. */
export const auditStart: AuditHead = Object.freeze({ sequence: 0n, hash: Buffer.alloc(HASH_BYTES) });

/** SHA-256 over the text `postrider audit 1`, a line feed, and the entry's bytes as they are stored. */
export function auditHash(entry: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([DOMAIN, entry]), 'buffer');
}

/**
 * Makes an entry the next one behind `head`: the value of its record, and the head that it is. The entry is encoded here, and
 * never again: the bytes that are hashed are those that are stored.
 */
export function chainEntry(entry: AuditEntry, head: AuditHead): { readonly value: Buffer; readonly head: AuditHead } {
  const sequence = head.sequence + 1n;
  const stored = { ...entry, name: '', hash: Buffer.alloc(0), sequence, previousHash: head.hash };
  const bytes = encodedBytes(AuditEntry.encode(stored));
  const hashed = auditHash(bytes);
  return { value: encodedBytes(AuditRecord.encode({ entry: bytes, hash: hashed })), head: { sequence, hash: hashed } };
}

/** The name of the entry with this number. */
export function auditEntryName(sequence: bigint): string {
  return `auditEntries/${sequence}`;
}

/** An entry as callers see it, with its name and hash; null when the record is none. Nothing is verified. */
export function readAuditRecord(value: Buffer | null): AuditEntry | null {
  try {
    const { entry, hash } = AuditRecord.decode(value ?? Buffer.alloc(0));
    const decoded = AuditEntry.decode(entry);
    return decoded.sequence < 1n ? null : { ...decoded, name: auditEntryName(decoded.sequence), hash };
  } catch {
    return null;
  }
}

/** Where a chain does not hold. */
export interface AuditBreakFound {
  /** The number that the entry should have. */
  readonly sequence: bigint;
  /** Where its record stands; -1 where none is to blame. */
  readonly offset: number;
  readonly reason: string;
}

/** Verifies a chain, record by record. */
export interface AuditCheck {
  /** The next record and where it stands. Behind the first one that does not fit nothing is looked at. */
  take(value: Buffer | null, offset: number): void;
  /** To be called behind the last record: whether the pinned head was seen. */
  end(): void;
  readonly verified: number;
  /** The first entry, whose own previous hash is taken as it stands: what was before it is not kept any more. */
  readonly first: AuditEntry | null;
  readonly head: AuditHead;
  readonly broken: AuditBreakFound | null;
}

/**
 * Nothing seen yet. `pinned`: a head that was noted elsewhere; its entry must still have its hash, and must be there unless
 * what is kept begins behind it.
 */
export function createAuditCheck(pinned?: AuditHead): AuditCheck {
  return new Check(pinned);
}

class Check implements AuditCheck {
  verified = 0;
  first: AuditEntry | null = null;
  head: AuditHead = auditStart;
  broken: AuditBreakFound | null = null;
  readonly #pinned: AuditHead | undefined;

  constructor(pinned: AuditHead | undefined) {
    this.#pinned = pinned;
  }

  take(value: Buffer | null, offset: number): void {
    if (this.broken !== null) return;
    const entry = readAuditRecord(value);
    const sequence = this.first === null ? (entry?.sequence ?? 1n) : this.head.sequence + 1n;
    const reason = entry === null ? 'the record is no entry of the audit' : this.#problem(entry, value);
    if (entry === null || reason !== null) {
      this.broken = { sequence, offset, reason: reason ?? '' };
      return;
    }
    this.first ??= entry;
    this.head = { sequence: entry.sequence, hash: entry.hash };
    this.verified += 1;
  }

  end(): void {
    const pinned = this.#pinned;
    if (this.broken !== null || pinned === undefined || pinned.sequence <= this.head.sequence) return;
    const reason = `the chain ends behind entry ${this.head.sequence}, but entry ${pinned.sequence} was noted as its head`;
    this.broken = { sequence: this.head.sequence + 1n, offset: -1, reason };
  }

  #problem(entry: AuditEntry, value: Buffer | null): string | null {
    const { entry: bytes } = AuditRecord.decode(value ?? Buffer.alloc(0));
    if (!auditHash(bytes).equals(entry.hash)) return 'its hash is not that of its content: it was altered';
    const isFirst = this.first === null;
    if (!isFirst && entry.sequence !== this.head.sequence + 1n) {
      return `entry ${entry.sequence} stands here: entries were removed, inserted or put in another order`;
    }
    const before = isFirst && entry.sequence > 1n ? null : this.head.hash;
    if (before !== null && !before.equals(entry.previousHash)) {
      return 'it does not follow from the entry before it: that one, or this one, was replaced';
    }
    const pinned = this.#pinned;
    if (pinned?.sequence === entry.sequence && !pinned.hash.equals(entry.hash)) {
      return 'its hash is not the one that was noted: it, or an entry before it, was replaced';
    }
    return null;
  }
}
