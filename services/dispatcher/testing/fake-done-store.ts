import type { Clock } from '@postrider/core';
import type { DoneStore } from '../src/done-store.ts';

/** A store in memory, which a test can break, slow down and look into. */
export interface FakeDoneStore extends DoneStore {
  /** Calls fail from now on; null: they work again. */
  fail(error: Error | null): void;
  /** Calls are answered only after this time (ms); Infinity: never. */
  answerAfter(ms: number): void;
  /** What calls were made, each with its keys. */
  readonly calls: readonly { readonly call: 'add' | 'has'; readonly keys: readonly string[] }[];
}

/** An empty store that answers at once. */
export function createFakeDoneStore(clock: Clock): FakeDoneStore {
  const keptUntil = new Map<string, number>();
  const calls: { call: 'add' | 'has'; keys: readonly string[] }[] = [];
  let error: Error | null = null;
  let afterMs = 0;

  function answer<T>(call: 'add' | 'has', keys: readonly string[], act: () => T): Promise<T> {
    calls.push({ call, keys });
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const settle = (): void => (error === null ? resolve(act()) : reject(error));
    if (afterMs === 0) settle();
    else if (afterMs !== Infinity) clock.after(afterMs, settle);
    return promise;
  }

  return {
    add: (keys, keptMs) =>
      answer('add', keys, () => {
        for (const key of keys) keptUntil.set(key, clock.monotonic() + keptMs);
      }),
    has: (keys) => answer('has', keys, () => keys.map((key) => (keptUntil.get(key) ?? -Infinity) > clock.monotonic())),
    fail(next) {
      error = next;
    },
    answerAfter(ms) {
      afterMs = ms;
    },
    calls,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
