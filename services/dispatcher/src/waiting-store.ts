/** The bytes of one delivery: its header `postrider-delivery` and its body. */
export interface StoredDelivery {
  readonly header: Buffer;
  readonly body: Buffer;
}

/**
 * Where an owner holds the bytes of its rows, by row id. It may vanish at any time: the retry tiers hold the truth, and a
 * new owner loads them again. Answers at once, and never throws: what is lost is told once, and nothing is found any more.
 */
export interface WaitingStore {
  put(row: number, delivery: StoredDelivery): void;
  /** Undefined when there is nothing under this number. */
  get(row: number): StoredDelivery | undefined;
  delete(row: number): void;
  /** What it takes: memory, or room on disk. May lag behind by a few hundred rows. */
  readonly bytes: number;
  /** Forgets everything. */
  close(): void;
}

/** What a store asks of whoever made it. */
export interface WaitingStoreOptions {
  /** It has grown; false: there is no room for that. */
  readonly mayGrow: () => boolean;
  /** Everything in it is lost. Called once at most. */
  readonly lost: (error: Error) => void;
}

const unbounded: WaitingStoreOptions = { mayGrow: () => true, lost: () => undefined };

/** A store in memory. */
export function createMemoryStore(options: WaitingStoreOptions = unbounded): WaitingStore {
  const rows = new Map<number, StoredDelivery>();
  let bytes = 0;
  let over = false;

  function close(): void {
    over = true;
    rows.clear();
    bytes = 0;
  }

  return {
    put(row, delivery) {
      if (over) return;
      bytes += sizeOf(delivery) - sizeOf(rows.get(row));
      // Copies: what was read is a view into the whole answer of a fetch, which would stay in memory as long as the row.
      rows.set(row, { header: Buffer.from(delivery.header), body: Buffer.from(delivery.body) });
      if (options.mayGrow()) return;
      close();
      options.lost(new Error('there is no room in memory'));
    },
    get: (row) => rows.get(row),
    delete(row) {
      bytes -= sizeOf(rows.get(row));
      rows.delete(row);
    },
    get bytes() {
      return bytes;
    },
    close,
  };
}

function sizeOf(delivery: StoredDelivery | undefined): number {
  return delivery === undefined ? 0 : delivery.header.length + delivery.body.length;
}
