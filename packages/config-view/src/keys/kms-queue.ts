import { limits, PostriderError } from '@postrider/core';
import type { Clock } from '@postrider/core';

/** What is asked of one KMS key: a few at a time, and one while it does not answer. */
export interface KmsQueue<T> {
  /** Asks, unless that is under way or waits for its turn. What fails is asked again for as long as it is wanted. */
  ask(what: T): void;
  /** Resolves when the next answer to it has come, a failure too, or after `timeoutMs`. */
  settled(what: T, timeoutMs: number): Promise<void>;
  close(): void;
}

export interface KmsQueueOptions<T> {
  readonly clock: Clock;
  /** Whether anybody still needs it. */
  readonly isWanted: (what: T) => boolean;
  /** Rejects with a PostriderError, or an error whose `refused` is true, when only this one failed and soon would again. */
  readonly ask: (what: T) => Promise<void>;
}

/** Nobody is asked yet. */
export function createKmsQueue<T>(options: KmsQueueOptions<T>): KmsQueue<T> {
  return new Queue(options);
}

class Queue<T> implements KmsQueue<T> {
  readonly #o: KmsQueueOptions<T>;
  readonly #waiting = new Set<T>();
  readonly #asking = new Set<T>();
  /** Refused: not asked again before this, ms, monotonic. */
  readonly #refusedUntil = new Map<T, number>();
  readonly #listeners = new Map<T, Set<() => void>>();
  #answers = true;
  /** Nothing is asked before this, ms, monotonic: it did not answer a moment ago. */
  #quietUntil = -Infinity;
  #closed = false;
  #cancelWake: (() => void) | null = null;

  constructor(options: KmsQueueOptions<T>) {
    this.#o = options;
  }

  ask(what: T): void {
    if (this.#closed || this.#asking.has(what) || this.#waiting.has(what)) return;
    this.#waiting.add(what);
    this.#pump();
  }

  settled(what: T, timeoutMs: number): Promise<void> {
    if (this.#closed || (!this.#asking.has(what) && !this.#waiting.has(what))) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const told = this.#listeners.get(what) ?? new Set();
    this.#listeners.set(what, told);
    const done = (): void => {
      told.delete(done);
      if (told.size === 0) this.#listeners.delete(what);
      cancelTimeout();
      resolve();
    };
    const cancelTimeout = this.#o.clock.after(timeoutMs, done);
    told.add(done);
    return promise;
  }

  close(): void {
    this.#closed = true;
    this.#cancelWake?.();
    this.#waiting.clear();
    for (const what of [...this.#listeners.keys()]) this.#tell(what);
  }

  #pump(): void {
    if (this.#closed) return;
    const now = this.#o.clock.monotonic();
    if (now < this.#quietUntil) return this.#wakeIn(this.#quietUntil - now);
    const most = this.#answers ? limits.kmsAsksAtOnceMax : 1;
    let soonest = Infinity;
    for (const what of this.#waiting) {
      if (this.#asking.size >= most) return;
      const from = this.#refusedUntil.get(what) ?? -Infinity;
      if (from > now) {
        soonest = Math.min(soonest, from);
        continue;
      }
      this.#waiting.delete(what);
      this.#refusedUntil.delete(what);
      if (this.#o.isWanted(what)) void this.#begin(what);
    }
    if (soonest < Infinity) this.#wakeIn(soonest - now);
  }

  async #begin(what: T): Promise<void> {
    this.#asking.add(what);
    try {
      await this.#o.ask(what);
      this.#answers = true;
    } catch (error) {
      this.#failed(what, isRefusal(error));
    }
    this.#asking.delete(what);
    this.#tell(what);
    this.#pump();
  }

  #failed(what: T, refused: boolean): void {
    const now = this.#o.clock.monotonic();
    if (refused) this.#refusedUntil.set(what, now + limits.kmsRefusedAgainMs);
    else {
      this.#answers = false;
      this.#quietUntil = now + limits.kmsAgainMs;
    }
    if (!this.#closed) this.#waiting.add(what);
  }

  #tell(what: T): void {
    for (const listener of this.#listeners.get(what) ?? []) listener();
  }

  #wakeIn(ms: number): void {
    this.#cancelWake?.();
    this.#cancelWake = this.#o.clock.after(ms, () => {
      this.#cancelWake = null;
      this.#pump();
    });
  }
}

/** Asking again at once is of no use. */
function isRefusal(error: unknown): boolean {
  return error instanceof PostriderError || (error as { readonly refused?: unknown }).refused === true;
}
