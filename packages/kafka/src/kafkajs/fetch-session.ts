import type { TopicPartition } from '../port.ts';

/** Where reading of a partition goes on. */
export interface FetchPosition extends TopicPartition {
  readonly offset: number;
}

/** What one request tells a broker. */
export interface FetchAsk {
  /** 0: there is none. One that is named with epoch 0 or -1 ends. */
  readonly sessionId: number;
  /** 0: a new session is wanted; -1: none is; above: the number of the request in its session. */
  readonly epoch: number;
  /** With epoch 0 or -1 all that is wanted, else what is new or has moved since the request before. */
  readonly positions: readonly FetchPosition[];
  readonly forgotten: readonly TopicPartition[];
}

/**
 * What one broker is to be asked for, told as differences where it can be (KIP-227): it remembers what it was asked, so a
 * request names only what has changed, and an answer only what has news.
 *
 * | the broker  | `next()`                          | `answered(id)`                | `lost()`             |
 * |-------------|-----------------------------------|-------------------------------|----------------------|
 * | knows of none | all that is wanted, epoch 0     | id 0: still none; else known  | none                 |
 * | knows one   | differences, epoch 1, 2, …        | the same id: known; else none | in doubt             |
 * | in doubt    | all, epoch 0, with the id to end  | id 0: none; else known        | in doubt             |
 *
 * One partition is asked for without a session: there is nothing to save, and a broker has only so many of them.
 */
export interface FetchSession {
  /** How many partitions are wanted. */
  readonly size: number;
  /** Wants a partition, under a key of its own, or wants it from elsewhere on. Who is told last stands last in a whole list. */
  want(key: string, position: FetchPosition): void;
  forget(key: string): void;
  /** The next request. Its answer, or that there will be none, must be told before the one after it. */
  next(): FetchAsk;
  /** The request was answered without an error; `sessionId` stands in the answer. */
  answered(sessionId: number): void;
  /** Whether the broker has taken the request cannot be told, or it knows of no such session. */
  lost(): void;
}

const NONE = 0;
const EPOCH_FIRST = 0;
const EPOCH_WITHOUT = -1;
const EPOCH_MAX = 2 ** 31 - 1;

/** A session that the broker knows nothing of yet. After `epochMax` requests their numbers begin anew at 1. */
export function createFetchSession(epochMax = EPOCH_MAX): FetchSession {
  return new Session(epochMax);
}

class Session implements FetchSession {
  readonly #epochMax: number;
  #id = NONE;
  #epoch = EPOCH_FIRST;
  readonly #wanted = new Map<string, FetchPosition>();
  /** What the broker holds, as far as the session is known to it. */
  #told = new Map<string, FetchPosition>();
  readonly #changed = new Set<string>();

  constructor(epochMax: number) {
    this.#epochMax = epochMax;
  }

  get size(): number {
    return this.#wanted.size;
  }

  want(key: string, position: FetchPosition): void {
    this.#wanted.delete(key);
    this.#wanted.set(key, position);
    this.#changed.add(key);
  }

  forget(key: string): void {
    if (this.#wanted.delete(key)) this.#changed.add(key);
  }

  next(): FetchAsk {
    const ask = this.#epoch === EPOCH_FIRST ? this.#whole() : this.#differences();
    this.#changed.clear();
    return ask;
  }

  answered(sessionId: number): void {
    if (sessionId === NONE) {
      this.#id = NONE;
      this.#epoch = EPOCH_FIRST;
    } else if (this.#epoch === EPOCH_FIRST) {
      this.#id = sessionId;
      this.#epoch = 1;
    } else if (sessionId !== this.#id) {
      this.lost();
    } else {
      this.#epoch = this.#epoch === this.#epochMax ? 1 : this.#epoch + 1;
    }
  }

  lost(): void {
    this.#epoch = EPOCH_FIRST;
  }

  #whole(): FetchAsk {
    this.#told = new Map(this.#wanted);
    const epoch = this.#wanted.size > 1 ? EPOCH_FIRST : EPOCH_WITHOUT;
    return { sessionId: this.#id, epoch, positions: [...this.#wanted.values()], forgotten: [] };
  }

  #differences(): FetchAsk {
    const positions: FetchPosition[] = [];
    const forgotten: TopicPartition[] = [];
    for (const key of this.#changed) {
      const position = this.#wanted.get(key);
      const told = this.#told.get(key);
      if (position === undefined) {
        if (told !== undefined) forgotten.push(told);
        this.#told.delete(key);
      } else if (position.offset !== told?.offset) {
        positions.push(position);
        this.#told.set(key, position);
      }
    }
    return { sessionId: this.#id, epoch: this.#epoch, positions, forgotten };
  }
}
