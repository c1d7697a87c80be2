/** Lets one flow wait for what other code changes: a condition is asked again after every `notify`. */
export interface Changes {
  /** Something changed that a waiting flow may care about. */
  notify(): void;
  /** Resolves once `condition` holds; asked now and after each change. */
  until(condition: () => boolean): Promise<void>;
}

/** Nothing has changed yet. */
export function createChanges(): Changes {
  const waiting: (() => void)[] = [];
  return {
    notify() {
      if (waiting.length === 0) return;
      for (const wake of waiting.splice(0)) wake();
    },
    async until(condition) {
      while (!condition()) await new Promise<void>((resolve) => void waiting.push(resolve));
    },
  };
}
