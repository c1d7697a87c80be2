/** The read side of a map that will never change. */
export interface FrozenMap<V> {
  readonly size: number;
  get(key: string): V | undefined;
  values(): IterableIterator<V>;
}

/** A map whose states can be kept: `freeze` gives the present one, and later changes do not touch it. */
export interface ShardMap<V> extends FrozenMap<V> {
  set(key: string, value: V): void;
  delete(key: string): void;
  freeze(): FrozenMap<V>;
  /** Another map in the present state; later changes of either do not touch the other. */
  fork(): ShardMap<V>;
}

/** Enough that the copy behind one change of 200,000 entries is about 200 of them, few enough to copy their list. */
const SHARDS = 1_024;

/** The shards of a map that nothing was ever put into. Neither it nor the one map in it ever changes. */
const EMPTY = Array<Map<string, never>>(SHARDS).fill(new Map<string, never>());
const NONE_OWNED = new Uint8Array(SHARDS);

/**
 * A map in shards that are copied when they change for the first time after a freeze. So loading (no freeze between) copies
 * nothing, and a single change of a large frozen map copies one shard. A small map has few shards of its own.
 */
export function createShardMap<V>(): ShardMap<V> {
  return shardMap<V>(EMPTY, 0, null);
}

function shardMap<V>(initial: Map<string, V>[], count: number, shared: FrozenMap<V> | null): ShardMap<V> {
  let shards = initial;
  let owned = NONE_OWNED;
  let size = count;
  let frozen = shared;

  /** The shard of a key, made ours if it is shared with a frozen map, or with all that are empty. */
  function writable(key: string): Map<string, V> {
    const index = shardOf(key);
    if (frozen !== null || shards === EMPTY) {
      shards = shards.slice();
      owned = new Uint8Array(SHARDS);
      frozen = null;
    }
    let shard = shardAt(shards, index);
    if (owned[index] === 0) {
      shard = new Map(shard);
      shards[index] = shard;
      owned[index] = 1;
    }
    return shard;
  }

  const freeze = (): FrozenMap<V> => {
    if (frozen === null) {
      const kept = shards;
      frozen = {
        size,
        get: (key) => shardAt(kept, shardOf(key)).get(key),
        values: () => valuesOf(kept),
      };
    }
    return frozen;
  };

  return {
    get size() {
      return size;
    },
    get: (key) => shardAt(shards, shardOf(key)).get(key),
    values: () => valuesOf(shards),
    freeze,
    fork: () => shardMap(shards, size, freeze()),
    set(key, value) {
      const shard = writable(key);
      const before = shard.size;
      shard.set(key, value);
      size += shard.size - before;
    },
    delete(key) {
      if (shardAt(shards, shardOf(key)).has(key) && writable(key).delete(key)) size -= 1;
    },
  };
}

function* valuesOf<V>(shards: readonly Map<string, V>[]): IterableIterator<V> {
  // Most shards of a small map are empty: to be asked for their values costs more than their size.
  for (const shard of shards) if (shard.size > 0) yield* shard.values();
}

function shardAt<V>(shards: readonly Map<string, V>[], index: number): Map<string, V> {
  const shard = shards[index];
  if (shard === undefined) throw new RangeError(`no shard ${index}`);
  return shard;
}

/** FNV-1a over the UTF-16 units: only spreads keys, promises nothing to anyone. */
function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash ^ (hash >>> 16)) & (SHARDS - 1);
}
