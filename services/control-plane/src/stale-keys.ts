/** Keys of `config` behind whose truth an older writer's record stands: in a compacted topic that would outlive it. */
export interface StaleKeys {
  /** Those that are done are taken out. */
  readonly keys: Set<string>;
  add(key: string): void;
  /** Calls `listener` when there are more. Returns what ends that. */
  onMore(listener: () => void): () => void;
}

/** None yet. */
export function createStaleKeys(): StaleKeys {
  const keys = new Set<string>();
  const listeners = new Set<() => void>();
  return {
    keys,
    add(key) {
      keys.add(key);
      for (const listener of listeners) listener();
    },
    onMore(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
