/** The bytes of one delivery: its header `postrider-delivery` and its body. */
export interface StoredDelivery {
  readonly header: Buffer;
  readonly body: Buffer;
}

/**
 * Where an owner holds the bytes of its rows, by work key. It may vanish at any time: the retry tiers hold the truth, and
 * a new owner loads them again. Answers at once: a store on disk has to be a synchronous one.
 */
export interface WaitingStore {
  put(key: string, delivery: StoredDelivery): void;
  /** Undefined when there is no row of this key. */
  get(key: string): StoredDelivery | undefined;
  delete(key: string): void;
  readonly rows: number;
  readonly bytes: number;
  /** Forgets everything. */
  close(): void;
}

/** A store in memory. */
export function createMemoryStore(): WaitingStore {
  const rows = new Map<string, StoredDelivery>();
  let bytes = 0;
  const sizeOf = (delivery: StoredDelivery | undefined): number =>
    delivery === undefined ? 0 : delivery.header.length + delivery.body.length;
  return {
    put(key, delivery) {
      bytes += sizeOf(delivery) - sizeOf(rows.get(key));
      // Copies: what was read is a view into the whole answer of a fetch, which would stay in memory as long as the row.
      rows.set(key, { header: Buffer.from(delivery.header), body: Buffer.from(delivery.body) });
    },
    get: (key) => rows.get(key),
    delete(key) {
      bytes -= sizeOf(rows.get(key));
      rows.delete(key);
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
