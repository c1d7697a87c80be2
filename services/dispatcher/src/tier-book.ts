import { TIERS, compareRowVersions, encodeRowVersion, readRowVersion } from '@postrider/core';
import { DELIVERY_HEADER, ROW_HEADER, header } from '@postrider/kafka';
import type { Tier } from '@postrider/core';
import type { Batch, IncomingRecord, OutgoingRecord } from '@postrider/kafka';
import type { StoredDelivery } from './waiting-store.ts';

/** Every tier record bears one; of two records of a key the higher (epoch, n) holds, wherever it stands in the log. */
export interface Version {
  readonly epoch: number;
  readonly n: number;
}

/** What an owner knows of a key in a tier: its own last write until its reader has passed it, or the row it loaded. */
export interface Known extends Version {
  readonly row: boolean;
  /** The reader has seen it in the log. */
  read: boolean;
  acked: boolean;
}

/** A row that a tier held when it was loaded. */
export interface LoadedRow {
  readonly tier: Tier;
  readonly key: string;
  readonly version: Version;
  readonly delivery: StoredDelivery;
  /** A record with an older version stands behind it in the log, which compaction would keep in its place. */
  readonly overwritten: boolean;
}

export interface TierBook {
  /**
   * Writes a row, or with null a tombstone, as the newest of its key in this tier; `acked` is called when it is
   * acknowledged, `tooLarge` when the tier does not take a row of this size.
   */
  write(tier: Tier, key: string, row: StoredDelivery | null, acked?: () => void, tooLarge?: () => void): void;
  /** Writes the truth of a key again: the row if this tier holds one, else a tombstone. */
  answer(tier: Tier, key: string): void;
  known(tier: Tier, key: string): Known | undefined;
  /** Tiers other than `tier` whose newest known record of the key is a row. */
  rowsElsewhere(tier: Tier | null, key: string): Tier[];
  /** Where the tier ends for this reign: what stands below is loaded, what stands above is answered. Until then it is not read. */
  begin(tier: Tier, range: { readonly low: number; readonly end: number }): void;
  /** Nothing below this offset can be read any more. */
  passed(tier: Tier, offset: number): void;
  /** Records of the tier, as its partition is read. */
  read(tier: Tier, batch: Batch): void;
  isLoaded(tier: Tier): boolean;
  readonly allLoaded: boolean;
}

export interface TierBookOptions {
  readonly epoch: number;
  readonly partition: number;
  readonly fullName: (tier: Tier) => string;
  /** Writes until it is acknowledged, or too large if anybody wants to know. */
  readonly write: (record: OutgoingRecord, acked: () => void, tooLarge?: () => void) => void;
  /** What the owner's row of this key says now; undefined when it has none. Answers are made of it. */
  readonly rowOf: (key: string) => StoredDelivery | undefined;
  /** A row that nothing this reign wrote has overtaken. Called when its tier is fully read. */
  readonly onRow: (row: LoadedRow) => void;
  readonly onLoaded: (tier: Tier) => void;
}

interface Candidate {
  version: Version;
  delivery: StoredDelivery | null;
  overwritten: boolean;
  lastIsRow: boolean;
}

interface Page {
  end: number;
  loaded: boolean;
  /** What the log says, until it is fully read. */
  readonly loading: Map<string, Candidate>;
  readonly known: Map<string, Known>;
}

const oldest: Version = { epoch: -1, n: 0 };

/** The retry tiers of one partition as one reign writes, loads and answers them (design rules 9, 10, 11). */
export function createTierBook(options: TierBookOptions): TierBook {
  return new Book(options);
}

class Book implements TierBook {
  readonly #options: TierBookOptions;
  readonly #pages = new Map<Tier, Page>(
    TIERS.map((tier) => [tier, { end: 0, loaded: false, loading: new Map(), known: new Map() }]),
  );
  #n = 0;

  constructor(options: TierBookOptions) {
    this.#options = options;
  }

  get allLoaded(): boolean {
    return TIERS.every((tier) => this.isLoaded(tier));
  }

  isLoaded(tier: Tier): boolean {
    return this.#page(tier).loaded;
  }

  known(tier: Tier, key: string): Known | undefined {
    return this.#page(tier).known.get(key);
  }

  rowsElsewhere(tier: Tier | null, key: string): Tier[] {
    return TIERS.filter((other) => other !== tier && this.known(other, key)?.row === true);
  }

  write(tier: Tier, key: string, row: StoredDelivery | null, acked?: () => void, tooLarge?: () => void): void {
    const { epoch, partition, fullName } = this.#options;
    const known: Known = { epoch, n: ++this.#n, row: row !== null, read: false, acked: false };
    this.#page(tier).known.set(key, known);
    const ackedRecord = (): void => {
      known.acked = true;
      acked?.();
    };
    this.#options.write(tierRecord(fullName(tier), partition, key, known, row), ackedRecord, tooLarge);
  }

  begin(tier: Tier, { low, end }: { readonly low: number; readonly end: number }): void {
    this.#page(tier).end = end;
    if (low >= end) this.#finishLoad(tier);
  }

  read(tier: Tier, batch: Batch): void {
    const page = this.#page(tier);
    for (const record of batch.records) {
      if (record.offset < page.end) {
        this.#load(page, record);
        continue;
      }
      if (!page.loaded) this.#finishLoad(tier);
      this.#follow(tier, record);
    }
    if (!page.loaded && batch.nextOffset >= page.end) this.#finishLoad(tier);
  }

  passed(tier: Tier, offset: number): void {
    const page = this.#page(tier);
    if (!page.loaded && offset >= page.end) this.#finishLoad(tier);
  }

  #page(tier: Tier): Page {
    return this.#pages.get(tier) as Page;
  }

  #load({ loading }: Page, record: IncomingRecord): void {
    const key = record.key?.toString() ?? '';
    const version = versionOf(record);
    const delivery = deliveryOf(record);
    const before = loading.get(key);
    if (before !== undefined && compareRowVersions(before.version, version) > 0) {
      before.overwritten = true;
      before.lastIsRow = delivery !== null;
    } else {
      loading.set(key, { version, delivery, overwritten: false, lastIsRow: delivery !== null });
    }
  }

  #finishLoad(tier: Tier): void {
    const page = this.#page(tier);
    page.loaded = true;
    for (const [key, { version, delivery, overwritten, lastIsRow }] of page.loading) {
      // What this reign wrote meanwhile is newer than anything below the end.
      if (page.known.has(key)) continue;
      if (delivery === null) {
        // The log ends with a row that a newer tombstone overrules: compaction must not keep it.
        if (lastIsRow) this.write(tier, key, null);
        continue;
      }
      page.known.set(key, { ...version, row: true, read: true, acked: true });
      this.#options.onRow({ tier, key, version, delivery, overwritten });
    }
    page.loading.clear();
    this.#options.onLoaded(tier);
  }

  /** Past the end: whatever does not agree with what this reign knows is answered. */
  #follow(tier: Tier, record: IncomingRecord): void {
    const { known } = this.#page(tier);
    const key = record.key?.toString() ?? '';
    const version = versionOf(record);
    const mine = known.get(key);
    if (mine === undefined) {
      if (record.value !== null) this.answer(tier, key);
      return;
    }
    if (mine.epoch === version.epoch && mine.n === version.n) {
      mine.read = true;
      if (!mine.row) known.delete(key);
      return;
    }
    // What my own write still overtakes in the log needs no answer.
    if (mine.read || compareRowVersions(version, mine) > 0) this.answer(tier, key);
  }

  answer(tier: Tier, key: string): void {
    const row = this.known(tier, key)?.row === true ? this.#options.rowOf(key) : undefined;
    this.write(tier, key, row ?? null);
  }
}

function tierRecord(
  topic: string,
  partition: number,
  key: string,
  version: Version,
  row: StoredDelivery | null,
): Omit<OutgoingRecord, 'mayWrite'> {
  const rowHeader = encodeRowVersion(version.epoch, version.n);
  return {
    topic,
    partition,
    key: Buffer.from(key),
    value: row?.body ?? null,
    headers: row === null ? { [ROW_HEADER]: rowHeader } : { [DELIVERY_HEADER]: row.header, [ROW_HEADER]: rowHeader },
  };
}

/** The version that a record bears. One without a readable version is older than everything: a stranger's. */
function versionOf(record: IncomingRecord): Version {
  const bytes = header(record, ROW_HEADER);
  if (bytes === undefined) return oldest;
  try {
    return readRowVersion(bytes);
  } catch {
    return oldest;
  }
}

function deliveryOf(record: IncomingRecord): StoredDelivery | null {
  if (record.value === null) return null;
  return { header: header(record, DELIVERY_HEADER) ?? Buffer.alloc(0), body: record.value };
}
