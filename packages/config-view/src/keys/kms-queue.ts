import { limits, PostriderError } from '@postrider/core';
import type { Clock } from '@postrider/core';

/** What is asked of one KMS key: a few at a time, and one while it does not answer. */
export interface KmsQueue<T> {
  /** Asks, unless that is under way or waits for its turn. */
  ask(what: T): void;
  /** Resolves when the next answer to it has come, a failure too, or after `timeoutMs`. */
  settled(what: T, timeoutMs: number): Promise<void>;
  close(): void;
}

export interface KmsQueueOptions<T> {
  readonly clock: Clock;
  /** Whether anybody still needs it. */
  readonly isWanted: (what: T) => boolean;
  /** Rejects with an error whose `refused` is true, or that is no fault of the KMS, when only this one failed. */
  readonly ask: (what: T) => Promise<void>;
}

/** Nobody is asked yet. */
export function createKmsQueue<T>({ clock, isWanted, ask }: KmsQueueOptions<T>): KmsQueue<T> {
  const waiting = new Set<T>();
  const asking = new Set<T>();
  /** Refused: not asked again before this, ms, monotonic. */
  const refusedUntil = new Map<T, number>();
  const listeners = new Map<T, Set<() => void>>();
  let answers = true;
  let quietUntil = -Infinity;
  let closed = false;
  let cancel: (() => void) | null = null;

  function wakeIn(ms: number): void {
    cancel?.();
    cancel = clock.after(ms, () => {
      cancel = null;
      pump();
    });
  }

  function pump(): void {
    if (closed) return;
    const now = clock.monotonic();
    if (now < quietUntil) return wakeIn(quietUntil - now);
    const most = answers ? limits.kmsAsksAtOnceMax : 1;
    let soonest = Infinity;
    for (const what of waiting) {
      if (asking.size >= most) return;
      const from = refusedUntil.get(what) ?? -Infinity;
      if (from > now) {
        soonest = Math.min(soonest, from);
        continue;
      }
      waiting.delete(what);
      if (isWanted(what)) void begin(what);
      else refusedUntil.delete(what);
    }
    if (soonest < Infinity) wakeIn(soonest - now);
  }

  async function begin(what: T): Promise<void> {
    asking.add(what);
    try {
      await ask(what);
      answers = true;
      refusedUntil.delete(what);
    } catch (error) {
      const now = clock.monotonic();
      if (isRefusal(error)) refusedUntil.set(what, now + limits.kmsRefusedAgainMs);
      else {
        answers = false;
        quietUntil = now + limits.kmsAgainMs;
      }
      if (!closed) waiting.add(what);
    }
    asking.delete(what);
    for (const listener of listeners.get(what) ?? []) listener();
    pump();
  }

  return {
    ask(what) {
      if (closed || asking.has(what) || waiting.has(what)) return;
      waiting.add(what);
      pump();
    },
    settled(what, timeoutMs) {
      if (closed || (!asking.has(what) && !waiting.has(what))) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const told = listeners.get(what) ?? new Set();
      listeners.set(what, told);
      const done = (): void => {
        told.delete(done);
        if (told.size === 0) listeners.delete(what);
        cancelTimeout();
        resolve();
      };
      const cancelTimeout = clock.after(timeoutMs, done);
      told.add(done);
      return promise;
    },
    close() {
      closed = true;
      cancel?.();
      waiting.clear();
      for (const told of [...listeners.values()]) for (const listener of [...told]) listener();
    },
  };
}

/** Asking again at once is of no use. */
function isRefusal(error: unknown): boolean {
  return error instanceof PostriderError || (error as { readonly refused?: unknown }).refused === true;
}
