/** The bytes of one delivery: its header `postrider-delivery` and its body. */
export interface StoredDelivery {
  readonly header: Buffer;
  readonly body: Buffer;
}

/**
 * Where an owner holds the bytes of its rows, by row id. It may vanish at any time: the retry tiers hold the truth, and a
 * new owner loads them again. Answers at once, and never throws: what it has lost is not found.
 */
export interface WaitingStore {
  put(row: number, delivery: StoredDelivery): void;
  /** Undefined when there is nothing under this number. */
  get(row: number): StoredDelivery | undefined;
  delete(row: number): void;
  readonly rows: number;
  readonly bytes: number;
  /** Forgets everything. */
  close(): void;
}

/** A store in memory. */
export function createMemoryStore(): WaitingStore {
  const rows = new Map<number, StoredDelivery>();
  let bytes = 0;
  return {
    put(row, delivery) {
      bytes += sizeOf(delivery) - sizeOf(rows.get(row));
      // Copies: what was read is a view into the whole answer of a fetch, which would stay in memory as long as the row.
      rows.set(row, { header: Buffer.from(delivery.header), body: Buffer.from(delivery.body) });
    },
    get: (row) => rows.get(row),
    delete(row) {
      bytes -= sizeOf(rows.get(row));
      rows.delete(row);
    },
    get rows() {
      return rows.size;
    },
    get bytes() {
      return bytes;
    },
    close() {
      rows.clear();
      bytes = 0;
    },
  };
}

/** Bytes that a delivery takes. */
export function sizeOf(delivery: StoredDelivery | undefined): number {
  return delivery === undefined ? 0 : delivery.header.length + delivery.body.length;
}
