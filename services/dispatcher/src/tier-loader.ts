import { compareRowVersions, type Tier } from '@postrider/core';
import { createFifo } from './fifo.ts';
import { NO_ROW, mark, type RowIndex } from './row-index.ts';
import { deliveryOf, keyOf, type Version } from './tier-record.ts';
import type { Batch, IncomingRecord } from '@postrider/kafka';
import type { ByteMeter } from './byte-meter.ts';
import type { Slices } from './slices.ts';
import { unusableRow, type LoadedFacts, type TierRow } from './loaded-row.ts';
import type { WaitingStore } from './waiting-store.ts';

/**
 * One tier of one partition as it is read, in slices.
 *
 * | state | what is read | goes on to |
 * |---|---|---|
 * | reading | stands below the end: noted as loading, of each key the newest | merging, when all below the end is read |
 * | merging | waits | loaded, when every row that was noted has been handed on |
 * | loaded | stands past the end: followed | – |
 */
export interface TierLoader {
  readonly loaded: boolean;
  begin(range: { readonly low: number; readonly end: number }): void;
  passed(offset: number): void;
  read(batch: Batch): void;
  close(): void;
}

/** What loading a tier needs. */
export interface TierLoaderOptions {
  readonly tier: Tier;
  readonly rows: RowIndex;
  readonly store: WaitingStore;
  readonly slices: Slices;
  readonly versionOf: (record: IncomingRecord) => Version;
  /** What the index is to know of a row; null when it cannot be used. */
  readonly describe: (row: TierRow) => LoadedFacts | null;
  /** This reign has written the key: that is newer than anything below the end. */
  readonly isWritten: (key: string) => boolean;
  /** Writes a tombstone. */
  readonly bury: (key: string) => void;
  /** A row that nothing this reign wrote has overtaken, still marked as loading. Called when its tier is fully read. */
  readonly onRow: (row: number) => void;
  /** A record past the end. */
  readonly follow: (record: IncomingRecord) => void;
  readonly onLoaded: () => void;
  /** Everything below is read, loaded and followed. */
  readonly onRead: (position: number) => void;
  readonly mayRead: (may: boolean) => void;
  /** What the pod holds that is read and not gone through: while it is full, no more is read. */
  readonly loading: ByteMeter;
}

/** Records, rows and places gone through before the time is looked at again. */
const RECORDS_PER_STEP = 32;
const ROWS_PER_STEP = 32;
const PLACES_PER_STEP = 1_024;

/** A tier of which nothing is read yet. */
export function createTierLoader(options: TierLoaderOptions): TierLoader {
  return new Loader(options);
}

class Loader implements TierLoader {
  loaded = false;
  readonly #o: TierLoaderOptions;
  readonly #stopListening: () => void;
  readonly #batches = createFifo<Batch>();
  #at = 0;
  #queuedBytes = 0;
  #held = false;
  #end = Infinity;
  /** Where all is read below; where the merge stands. */
  #position = 0;
  #merged = 0;
  #running = false;
  #closed = false;

  constructor(options: TierLoaderOptions) {
    this.#o = options;
    this.#stopListening = options.loading.onRoom(() => this.#readOn());
  }

  begin({ low, end }: { readonly low: number; readonly end: number }): void {
    this.#end = end;
    this.#position = low;
    this.#run();
  }

  passed(offset: number): void {
    this.#position = Math.max(this.#position, offset);
    if (this.loaded) this.#o.onRead(this.#position);
    this.#run();
  }

  read(batch: Batch): void {
    if (this.#closed) return;
    this.#batches.push(batch);
    this.#count(bytesOf(batch));
    this.#run();
    if (!this.#o.loading.full || this.#batches.length === 0 || this.#held) return;
    this.#held = true;
    this.#o.mayRead(false);
  }

  close(): void {
    this.#closed = true;
    this.#batches.clear();
    this.#stopListening();
    this.#count(-this.#queuedBytes);
  }

  #count(bytes: number): void {
    this.#queuedBytes += bytes;
    this.#o.loading.add(bytes);
  }

  #readOn(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#o.mayRead(true);
  }

  #run(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    this.#o.slices.run(() => {
      this.#running = this.#step();
      return this.#running;
    });
  }

  #step(): boolean {
    if (this.#closed) return false;
    if (!this.loaded && this.#position >= this.#end) return this.#merge();
    const batch = this.#batches.peek();
    if (batch === undefined) return false;
    for (let left = RECORDS_PER_STEP; left > 0; left -= 1) {
      const record = batch.records[this.#at];
      if (record === undefined) {
        this.#passBatch(batch);
        break;
      }
      if (this.loaded) this.#o.follow(record);
      else if (record.offset < this.#end) this.#note(record);
      else {
        // The rest stands past the end: it is looked at again when what stands below has been handed on.
        this.#position = record.offset;
        break;
      }
      this.#at += 1;
    }
    return true;
  }

  #passBatch(batch: Batch): void {
    this.#batches.shift();
    this.#at = 0;
    this.#position = Math.max(this.#position, batch.nextOffset);
    if (this.loaded) this.#o.onRead(this.#position);
    this.#count(-bytesOf(batch));
  }

  #note(record: IncomingRecord): void {
    const { tier, rows, store, describe, isWritten } = this.#o;
    const key = keyOf(record);
    if (isWritten(key)) return;
    const version = this.#o.versionOf(record);
    const delivery = deliveryOf(record);
    let row = rows.findLoading(key, tier);
    if (row === NO_ROW) {
      row = rows.add(key, mark.loading);
    } else if (compareRowVersions({ epoch: rows.epochOf(row), n: rows.n.get(row) }, version) > 0) {
      rows.set(row, mark.overwritten, true);
      if (delivery !== null) rows.set(row, mark.rowBehind, true);
      return;
    }
    rows.setVersion(row, tier, version);
    rows.recordOffset.set(row, record.offset);
    rows.set(row, mark.overwritten | mark.rowBehind | mark.unreadable, false);
    rows.set(row, mark.tombstone, delivery === null);
    if (delivery === null) return store.delete(row);
    const facts = describe({ key, version, delivery });
    store.put(row, facts?.instead ?? delivery);
    rows.set(row, mark.unreadable, facts === null);
    rows.describe(row, facts ?? unusableRow(delivery));
  }

  /** Hands on a few of the rows that were noted. */
  #merge(): boolean {
    const { tier, rows, onLoaded, onRead } = this.#o;
    let handedOn = 0;
    for (let places = PLACES_PER_STEP; places > 0 && handedOn < ROWS_PER_STEP; places -= 1) {
      this.#merged += 1;
      if (this.#merged >= rows.capacity) {
        this.loaded = true;
        onRead(this.#position);
        onLoaded();
        return true;
      }
      if (!rows.is(this.#merged, mark.loading) || rows.tierOf(this.#merged) !== tier) continue;
      handedOn += 1;
      this.#handOn(this.#merged);
    }
    return true;
  }

  #handOn(row: number): void {
    const { rows, store, isWritten, bury, onRow } = this.#o;
    const key = rows.keyOf(row);
    const counts = !isWritten(key);
    if (counts && !rows.is(row, mark.tombstone)) return onRow(row);
    // Behind a tombstone stands a row that it overrules: neither compaction nor who loads from further on may take that for
    // the truth, even if an older tombstone stands behind both.
    const buried = counts && rows.is(row, mark.rowBehind);
    rows.remove(row);
    store.delete(row);
    if (buried) bury(key);
  }
}

function bytesOf({ records }: Batch): number {
  let bytes = 0;
  for (const { value, headers } of records) {
    bytes += value?.length ?? 0;
    for (const name in headers) bytes += headers[name]?.length ?? 0;
  }
  return bytes;
}
