import { rm } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { StoredDelivery, WaitingStore, WaitingStoreOptions } from './waiting-store.ts';

/** Memory that one file may take for its pages. */
const CACHE_KIB = 512;
const PAGE_BYTES = 8_192;
/** How often the file is measured. */
const MEASURED_EVERY_PUTS = 256;

const settings = `
  PRAGMA page_size = ${PAGE_BYTES};
  PRAGMA journal_mode = off;
  PRAGMA synchronous = off;
  PRAGMA locking_mode = exclusive;
  PRAGMA cache_size = -${CACHE_KIB};
  PRAGMA temp_store = memory;
  CREATE TABLE deliveries (row INTEGER PRIMARY KEY, header BLOB, body BLOB);
  BEGIN EXCLUSIVE;
`;

/**
 * A store in a file of its own, which is made with the first row and is of no use to anybody else. It has no journal and
 * one transaction that never ends: nothing is ever forced to disk, so an operation costs the pages that it touches and
 * there is no moment at which many are written. After a crash the file is garbage, as it may be.
 */
export function createDiskStore(file: string, options: WaitingStoreOptions): WaitingStore {
  return new DiskStore(file, options);
}

interface Statements {
  readonly put: StatementSync;
  readonly get: StatementSync;
  readonly delete: StatementSync;
  readonly pages: StatementSync;
  readonly freePages: StatementSync;
}

class DiskStore implements WaitingStore {
  bytes = 0;
  readonly #file: string;
  readonly #options: WaitingStoreOptions;
  #db: DatabaseSync | null = null;
  #statements: Statements | null = null;
  #puts = 0;
  #over = false;

  constructor(file: string, options: WaitingStoreOptions) {
    this.#file = file;
    this.#options = options;
  }

  put(row: number, { header, body }: StoredDelivery): void {
    if (this.#over) return;
    try {
      const statements = (this.#statements ??= this.#open());
      statements.put.run(row, header, body);
      this.#puts += 1;
      if (this.#puts % MEASURED_EVERY_PUTS !== 0) return;
      this.bytes = measure(statements);
      if (!this.#options.mayGrow()) throw new Error('there is no room on disk');
    } catch (error) {
      this.#lose(error as Error);
    }
  }

  get(row: number): StoredDelivery | undefined {
    if (this.#statements === null) return undefined;
    try {
      const found = this.#statements.get.get(row) as unknown as readonly [unknown, unknown] | undefined;
      return found === undefined ? undefined : { header: bufferOf(found[0]), body: bufferOf(found[1]) };
    } catch (error) {
      this.#lose(error as Error);
      return undefined;
    }
  }

  delete(row: number): void {
    try {
      this.#statements?.delete.run(row);
    } catch (error) {
      this.#lose(error as Error);
    }
  }

  close(): void {
    this.#over = true;
    this.#statements = null;
    this.bytes = 0;
    const db = this.#db;
    if (db === null) return;
    this.#db = null;
    try {
      db.close();
    } catch {
      // What it could not write is of no use any more.
    }
    // Not at once: to give back the room of a large file takes a while.
    rm(this.#file, { force: true }, () => undefined);
  }

  #lose(error: Error): void {
    this.close();
    this.#options.lost(error);
  }

  #open(): Statements {
    // Defensive, it would keep a journal in spite of what it is told.
    const db = new DatabaseSync(this.#file, { defensive: false });
    this.#db = db;
    db.exec(settings);
    const arrays = (sql: string): StatementSync => {
      const statement = db.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    return {
      put: db.prepare('INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?)'),
      get: arrays('SELECT header, body FROM deliveries WHERE row = ?'),
      delete: db.prepare('DELETE FROM deliveries WHERE row = ?'),
      pages: arrays('PRAGMA page_count'),
      freePages: arrays('PRAGMA freelist_count'),
    };
  }
}

function measure({ pages, freePages }: Statements): number {
  const count = (statement: StatementSync): number => Number((statement.get() as unknown as [number])[0]);
  return (count(pages) - count(freePages)) * PAGE_BYTES;
}

/** Bytes of length 0 come back as null. */
function bufferOf(bytes: unknown): Buffer {
  if (!(bytes instanceof Uint8Array)) return Buffer.alloc(0);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
