import { readAuditRecord, tenantOfName } from '@postrider/core';
import { topicName } from '@postrider/kafka';
import { withDeadline } from '../with-deadline.ts';
import { serverLimits } from '../server-limits.ts';
import { readStretch } from './stretch.ts';
import type { AuditEntry } from '@postrider/contract/postrider/v1/audit';
import type { Clock, Reach } from '@postrider/core';
import type { KafkaPort } from '@postrider/kafka';
import type { Stretch } from './stretch.ts';

/** An entry as it stands on the topic. */
export interface FoundEntry {
  readonly entry: AuditEntry;
  readonly offset: number;
  /** The AuditRecord, byte for byte. */
  readonly record: Buffer;
}

export interface FoundEntries {
  readonly found: readonly FoundEntry[];
  /** Where to go on. */
  readonly next: number;
}

/** A part of the topic, by offsets: `from` belongs to it, `until` does not. */
export interface AuditRange {
  readonly from: number;
  readonly until: number;
}

/**
 * Reads the audit where it stands, a stretch at a time: nothing of it is kept in memory, and there is no index but Kafka's own
 * of times. Kafka that does not answer in time is `unavailable`.
 */
export interface AuditLog {
  /** The same for who sees these tenants only: entries of others, and of the whole installation, are not there. */
  within(reach: Reach): AuditLog;
  /** What can hold entries of these times, a few minutes more on either side. */
  range(start: Date | undefined, end: Date | undefined): Promise<AuditRange>;
  /** The beginning of this range. */
  read(range: AuditRange): Promise<FoundEntries>;
  /** All of a stretch at the end of this range, and where it begins (`next`). */
  readBack(range: AuditRange): Promise<FoundEntries>;
  /** Records as they stand, whatever they hold, for who sees everything. */
  records(range: AuditRange): Promise<Stretch>;
  /** Null: there is none of this number, or it is kept no more. */
  find(sequence: bigint): Promise<FoundEntry | null>;
}

export interface AuditLogOptions {
  readonly kafka: Pick<KafkaPort, 'admin' | 'reader'>;
  readonly topicPrefix: string;
  readonly clock: Clock;
}

/** Of the installation with this prefix. */
export function createAuditLog(options: AuditLogOptions): AuditLog {
  return new Log(options, 'all');
}

const LATE = 'Kafka does not answer in time; try again';

class Log implements AuditLog {
  readonly #options: AuditLogOptions;
  readonly #topic: string;
  readonly #reach: Reach;

  constructor(options: AuditLogOptions, reach: Reach) {
    this.#options = options;
    this.#topic = topicName(options.topicPrefix, 'audit');
    this.#reach = reach;
  }

  within(reach: Reach): AuditLog {
    return new Log(this.#options, reach);
  }

  async range(start: Date | undefined, end: Date | undefined): Promise<AuditRange> {
    const { admin } = this.#options.kafka;
    // Entries bear the clock of who wrote them, records that of the broker.
    const at = async (time: Date | undefined, slackMs: number, otherwise: number): Promise<number> =>
      time === undefined
        ? otherwise
        : ((await admin.offsetsAt(this.#topic, time.getTime() + slackMs)).get(0) ?? otherwise);
    return this.#inTime(async () => {
      const [{ low, high } = { low: 0, high: 0 }] = await admin.offsets(this.#topic);
      const from = await at(start, -serverLimits.auditClockSlackMs, low);
      const until = await at(end, serverLimits.auditClockSlackMs, high);
      return { from: Math.max(low, from), until: Math.min(high, until) };
    });
  }

  async read(range: AuditRange): Promise<FoundEntries> {
    const { records, next } = await this.records(range);
    const found = records.flatMap(({ value, offset }): FoundEntry[] => {
      const entry = readAuditRecord(value);
      return entry === null || value === null || !this.#isNear(entry) ? [] : [{ entry, offset, record: value }];
    });
    return { found, next };
  }

  async readBack({ from, until }: AuditRange): Promise<FoundEntries> {
    for (let size: number = serverLimits.auditLookBack; ; size = Math.ceil(size / 4)) {
      const start = Math.max(from, until - size);
      const { found, next } = await this.read({ from: start, until });
      // Large entries do not fit at once: less of them is asked for.
      if (next >= until || size === 1) return { found, next: start };
    }
  }

  records({ from, until }: AuditRange): Promise<Stretch> {
    if (from >= until) return Promise.resolve({ records: [], next: until });
    return this.#inTime(() => readStretch(this.#options.kafka, this.#topic, from, until));
  }

  /** By halving: numbers grow with offsets, which are a little further apart. */
  async find(sequence: bigint): Promise<FoundEntry | null> {
    const everything = new Log(this.#options, 'all');
    let { from, until } = await this.range(undefined, undefined);
    while (from < until) {
      const middle = until - from <= serverLimits.auditLookBack ? from : from + ((until - from) >>> 1);
      const { found, next } = await everything.read({
        from: middle,
        until: Math.min(until, middle + serverLimits.auditLookBack),
      });
      const hit = found.find(({ entry }) => entry.sequence === sequence);
      if (hit !== undefined) return this.#isNear(hit.entry) ? hit : null;
      const first = found[0]?.entry.sequence;
      if (first !== undefined && first > sequence) until = middle;
      else if (first === undefined && next >= until) until = middle;
      else from = Math.max(next, middle + 1);
    }
    return null;
  }

  #isNear({ tenant }: AuditEntry): boolean {
    return this.#reach === 'all' || this.#reach.has(tenantOfName(tenant) ?? '');
  }

  #inTime<T>(work: () => Promise<T>): Promise<T> {
    return withDeadline(work(), this.#options.clock, LATE);
  }
}

/** The number in an entry's name; null when it is none. */
export function sequenceOf(name: string): bigint | null {
  const [, digits] = /^auditEntries\/([1-9][0-9]{0,17})$/.exec(name) ?? [];
  return digits === undefined ? null : BigInt(digits);
}
