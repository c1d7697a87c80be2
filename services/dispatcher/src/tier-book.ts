import { TIERS, compareRowVersions } from '@postrider/core';
import { NO_OFFSET, NO_ROW, mark, type RowIndex } from './row-index.ts';
import { keyOf, oldest, tierRecord, versionOf, type Version } from './tier-record.ts';
import { createTierLoader, type TierLoader, type TierLoaderOptions } from './tier-loader.ts';
import type { LoadFrom, Tier } from '@postrider/core';
import type { Batch, IncomingRecord, OutgoingRecord } from '@postrider/kafka';
import type { Slices } from './slices.ts';
import type { StoredDelivery } from './waiting-store.ts';

/** What an owner knows of a key in a tier: its own last write until its reader has passed it, or the row it loaded. */
export interface Known extends Version {
  readonly row: boolean;
  /** The reader has seen it in the log. */
  readonly read: boolean;
  readonly acked: boolean;
  /** Where a row of the key stands in the log, as far as is acknowledged; `NO_OFFSET` where none does. */
  readonly offset: number;
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
  /** The row is not what its delivery goes on from: it leaves the index, but is known to stand in its tier. */
  setAside(row: number): void;
  /** Where the tier ends for this reign: what stands below is loaded, what stands above is answered. Until then it is not read. */
  begin(tier: Tier, range: { readonly low: number; readonly end: number }): void;
  /** Nothing below this offset can be read any more. */
  passed(tier: Tier, offset: number): void;
  /** Records of the tier, as its partition is read. They are gone through in slices; what is read meanwhile waits its turn. */
  read(tier: Tier, batch: Batch): void;
  isLoaded(tier: Tier): boolean;
  readonly allLoaded: boolean;
  /** Nothing that was read is gone through any more. */
  close(): void;
}

export interface TierBookOptions extends Pick<TierLoaderOptions, 'rows' | 'store' | 'loading' | 'describe' | 'onRow'> {
  readonly epoch: number;
  readonly partition: number;
  readonly fullName: (tier: Tier) => string;
  readonly slices: Slices;
  readonly loadFrom: ReadonlyMap<Tier, LoadFrom>;
  /** Writes until it is acknowledged, and tells at which offset; or until it is too large, if anybody wants to know. */
  readonly write: (record: OutgoingRecord, acked: (offset: number) => void, tooLarge?: () => void) => void;
  /**
   * What the owner's row of this key says now; undefined when it has none. Answers are made of it. `unrecorded`: it counts
   * an attempt that is not on record yet.
   */
  readonly rowOf: (key: string) => StoredDelivery | 'unrecorded' | undefined;
  readonly onLoaded: (tier: Tier) => void;
  /** Whether more of the tier may be read: no, while too much of it waits to be gone through. */
  readonly mayRead: (tier: Tier, may: boolean) => void;
}

interface Page {
  readonly tier: Tier;
  readonly loader: TierLoader;
  readonly loadFrom: LoadFrom;
  /** What stands in the tier but not in the index: own tombstones until they are read, and older rows. */
  readonly known: Map<string, Known>;
}

/** The retry tiers of one partition as one reign writes, loads and answers them (design rules 9, 10, 11). */
export function createTierBook(options: TierBookOptions): TierBook {
  return new Book(options);
}

class Book implements TierBook {
  readonly #options: TierBookOptions;
  readonly #rows: RowIndex;
  readonly #pages: ReadonlyMap<Tier, Page>;
  #n = 0;

  constructor(options: TierBookOptions) {
    this.#options = options;
    this.#rows = options.rows;
    const { rows, store, slices, loading, describe, onLoaded, mayRead } = options;
    const pageOf = (tier: Tier): Page => {
      const loadFrom = options.loadFrom.get(tier) as LoadFrom;
      const loader = createTierLoader({
        ...{ tier, rows, store, slices, loading, describe },
        versionOf: (record) => versionOf(record, options.epoch),
        onRow: (row) => {
          loadFrom.stands(rows.recordOffset.get(row));
          options.onRow(row);
        },
        onRead: loadFrom.read,
        isWritten: (key) => this.known(tier, key) !== undefined,
        bury: (key) => this.write(tier, key, null),
        follow: (record) => this.#follow(tier, record),
        onLoaded: () => onLoaded(tier),
        mayRead: (may) => mayRead(tier, may),
      });
      return { tier, loader, loadFrom, known: new Map() };
    };
    this.#pages = new Map(TIERS.map((tier) => [tier, pageOf(tier)]));
  }

  get allLoaded(): boolean {
    return TIERS.every((tier) => this.isLoaded(tier));
  }

  isLoaded(tier: Tier): boolean {
    return this.#page(tier).loader.loaded;
  }

  known(tier: Tier, key: string): Known | undefined {
    const row = this.#rowIn(tier, key);
    return row === NO_ROW ? this.#page(tier).known.get(key) : this.#knownOf(row);
  }

  rowsElsewhere(tier: Tier | null, key: string): Tier[] {
    return TIERS.filter((other) => other !== tier && this.known(other, key)?.row === true);
  }

  write(tier: Tier, key: string, row: StoredDelivery | null, acked?: () => void, tooLarge?: () => void): void {
    const { epoch, partition, fullName } = this.#options;
    const version = { epoch, n: ++this.#n };
    const { loadFrom } = this.#page(tier);
    this.#note(tier, key, version, row !== null);
    const write = loadFrom.handedOver();
    const ackedRecord = (offset: number): void => {
      this.#acked(tier, key, { ...version, row: row !== null }, offset);
      loadFrom.settled(write);
      acked?.();
    };
    const refused =
      tooLarge &&
      ((): void => {
        loadFrom.settled(write);
        tooLarge();
      });
    this.#options.write(tierRecord(fullName(tier), partition, key, version, row), ackedRecord, refused);
  }

  setAside(row: number): void {
    this.#moveOut(row);
    this.#rows.recordOffset.set(row, NO_OFFSET);
    this.#rows.remove(row);
    this.#options.store.delete(row);
  }

  begin(tier: Tier, range: { readonly low: number; readonly end: number }): void {
    this.#page(tier).loader.begin(range);
  }

  read(tier: Tier, batch: Batch): void {
    this.#page(tier).loader.read(batch);
  }

  passed(tier: Tier, offset: number): void {
    this.#page(tier).loader.passed(offset);
  }

  answer(tier: Tier, key: string): void {
    const row = this.known(tier, key)?.row === true ? this.#options.rowOf(key) : undefined;
    // What follows when the attempt is on record will stand behind.
    if (row === 'unrecorded') return;
    this.write(tier, key, row ?? null);
  }

  close(): void {
    for (const { loader } of this.#pages.values()) loader.close();
  }

  #page(tier: Tier): Page {
    return this.#pages.get(tier) as Page;
  }

  /** The row of this key, if the index knows it as this tier's. */
  #rowIn(tier: Tier, key: string): number {
    const row = this.#rows.find(key);
    return row !== NO_ROW && this.#rows.tierOf(row) === tier ? row : NO_ROW;
  }

  #knownOf(row: number): Known {
    const rows = this.#rows;
    return {
      ...{ epoch: rows.epochOf(row), n: rows.n.get(row), row: true },
      ...{
        read: rows.is(row, mark.read | mark.loading),
        acked: rows.is(row, mark.acked | mark.loading),
        offset: rows.recordOffset.get(row),
      },
    };
  }

  /** What is being written is the newest of its key in this tier. */
  #note(tier: Tier, key: string, version: Version, isRow: boolean): void {
    const rows = this.#rows;
    const { known } = this.#page(tier);
    const row = rows.find(key);
    if (isRow && row !== NO_ROW) {
      const before = rows.tierOf(row);
      if (before !== tier) {
        if (before !== null) this.#moveOut(row);
        rows.recordOffset.set(row, known.get(key)?.offset ?? NO_OFFSET);
        known.delete(key);
      }
      rows.setVersion(row, tier, version);
      rows.set(row, mark.acked | mark.read, false);
      return;
    }
    let offset = known.get(key)?.offset ?? NO_OFFSET;
    if (row !== NO_ROW && rows.tierOf(row) === tier) {
      offset = rows.recordOffset.get(row);
      rows.recordOffset.set(row, NO_OFFSET);
      rows.setVersion(row, null, oldest);
    }
    // A row stands there until what is being written is acknowledged.
    known.set(key, { ...version, row: isRow, read: false, acked: false, offset });
  }

  /** From the index to what is known besides. */
  #moveOut(row: number): void {
    const { known } = this.#page(this.#rows.tierOf(row) as Tier);
    known.set(this.#rows.keyOf(row), this.#knownOf(row));
  }

  #acked(tier: Tier, key: string, write: Version & { readonly row: boolean }, offset: number): void {
    const mine = this.known(tier, key);
    if (mine === undefined) return;
    const isNewest = compareRowVersions(mine, write) === 0;
    // Of a write that was overtaken on its way a row stands until the newer one is acknowledged.
    if (!isNewest && (mine.acked || !write.row || mine.offset !== NO_OFFSET)) return;
    const stands = this.#moveStanding(tier, mine.offset, write.row ? offset : NO_OFFSET);
    const row = this.#rowIn(tier, key);
    if (row === NO_ROW) {
      this.#page(tier).known.set(key, { ...mine, acked: isNewest, offset: stands });
    } else {
      this.#rows.set(row, mark.acked, isNewest);
      this.#rows.recordOffset.set(row, stands);
    }
  }

  #moveStanding(tier: Tier, from: number, to: number): number {
    const { loadFrom } = this.#page(tier);
    if (to !== NO_OFFSET) loadFrom.stands(to);
    if (from !== NO_OFFSET) loadFrom.overruled(from);
    return to;
  }

  /** Past the end: whatever does not agree with what this reign knows is answered. */
  #follow(tier: Tier, record: IncomingRecord): void {
    const key = keyOf(record);
    const version = versionOf(record, this.#options.epoch);
    const mine = this.known(tier, key);
    if (mine === undefined) {
      if (record.value !== null) this.answer(tier, key);
      return;
    }
    if (mine.epoch === version.epoch && mine.n === version.n) return this.#seen(tier, key, mine);
    // What my own write still overtakes in the log needs no answer.
    if (mine.read || compareRowVersions(version, mine) > 0) this.answer(tier, key);
  }

  #seen(tier: Tier, key: string, mine: Known): void {
    const { known } = this.#page(tier);
    const row = this.#rowIn(tier, key);
    if (row !== NO_ROW) this.#rows.set(row, mark.read, true);
    else if (mine.row) known.set(key, { ...mine, read: true });
    else {
      // It is read, so it stands in the log, acknowledged or not.
      this.#moveStanding(tier, mine.offset, NO_OFFSET);
      known.delete(key);
    }
  }
}
