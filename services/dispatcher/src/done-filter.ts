import { createHash } from 'node:crypto';
import { limits, type Clock } from '@postrider/core';
import { createStoreCalls, type StoreCalls } from './store-calls.ts';
import type { DoneFilterEvents } from './done-filter-events.ts';
import type { DoneStore } from './done-store.ts';

/**
 * Remembers, outside the process, what endpoints have just taken: between an endpoint's 2xx and the acknowledged record of
 * it a crash would make the next owner send again. It is a hint and never a gate: no promise needs it, and any doubt
 * means that the delivery is sent.
 */
export interface DoneFilter {
  /** The endpoint has taken the delivery of this work key. Never waits, never throws. */
  add(workKey: string): void;
  /**
   * Asks whether an endpoint has taken the delivery of this work key. `answer` is called exactly once, within
   * `limits.doneTimeoutMs`; on any doubt with false.
   */
  ask(workKey: string, answer: (done: boolean) => void): void;
}

export interface DoneFilterOptions {
  readonly store: DoneStore;
  readonly clock: Clock;
  readonly events: Pick<DoneFilterEvents, 'doneFilterCalled' | 'doneFilterLeftAlone' | 'doneFilterBack'>;
  /** What sets one installation apart from others on the same store: Kafka's cluster id and the topic prefix. */
  readonly scope: string;
}

interface Question {
  readonly key: string;
  readonly answer: (done: boolean) => void;
}

/** A filter over one store. */
export function createDoneFilter(options: DoneFilterOptions): DoneFilter {
  return new StoredDoneFilter(options);
}

class StoredDoneFilter implements DoneFilter {
  readonly #o: DoneFilterOptions;
  readonly #calls: StoreCalls;
  #toAdd: string[] = [];
  #adding = false;
  #questions: Question[] = [];

  constructor(options: DoneFilterOptions) {
    const { clock, events } = options;
    this.#o = options;
    this.#calls = createStoreCalls({ clock, leftAlone: events.doneFilterLeftAlone, back: events.doneFilterBack });
  }

  add(workKey: string): void {
    if (this.#toAdd.length >= limits.doneQueueMax) return this.#o.events.doneFilterCalled('add', 'skipped', 1);
    this.#toAdd.push(this.#keyOf(workKey));
    if (this.#adding) return;
    this.#adding = true;
    // What is done in the same turn of the event loop goes together.
    queueMicrotask(() => this.#flush());
  }

  ask(workKey: string, answer: (done: boolean) => void): void {
    this.#questions.push({ key: this.#keyOf(workKey), answer });
    if (this.#questions.length === 1) queueMicrotask(() => this.#askAll());
  }

  /** One call at a time: a slow store gets larger batches, and no more calls. */
  #flush(): void {
    const keys = this.#toAdd.splice(0, limits.doneBatchMax);
    this.#adding = keys.length > 0;
    if (!this.#adding) return;
    this.#call(
      'add',
      keys,
      (store) => store.add(keys, limits.doneKeptMs),
      () => this.#flush(),
    );
  }

  #askAll(): void {
    const questions = this.#questions;
    this.#questions = [];
    for (let from = 0; from < questions.length; from += limits.doneBatchMax) {
      const batch = questions.slice(from, from + limits.doneBatchMax);
      const keys = batch.map(({ key }) => key);
      this.#call(
        'ask',
        keys,
        (store) => store.has(keys),
        (found) => batch.forEach(({ answer }, at) => answer(found?.[at] === true)),
      );
    }
  }

  /** `then` is called exactly once: with what the store says, or with null when it failed, was too slow or was not asked. */
  #call<T>(
    what: 'add' | 'ask',
    keys: readonly string[],
    call: (store: DoneStore) => Promise<T>,
    then: (result: T | null) => void,
  ): void {
    const { store, events } = this.#o;
    this.#calls.run(
      () => call(store),
      (result, how) => {
        events.doneFilterCalled(what, how, keys.length);
        then(result);
      },
    );
  }

  /** Nothing of a tenant leaves but a hash. */
  #keyOf(workKey: string): string {
    return `postrider:done:${createHash('sha256').update(`${this.#o.scope}\n${workKey}`).digest('base64url').slice(0, 22)}`;
  }
}
