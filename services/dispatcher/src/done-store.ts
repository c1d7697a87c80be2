/** Somewhere outside the process where keys are noted for a while. It may be slow, full or gone at any time. */
export interface DoneStore extends AsyncDisposable {
  /** Notes keys for `keptMs`. Rejects when it is not sure that all of them are noted. */
  add(keys: readonly string[], keptMs: number): Promise<void>;
  /** Which of the keys are noted, in their order. Rejects when it is not sure. */
  has(keys: readonly string[]): Promise<readonly boolean[]>;
}
