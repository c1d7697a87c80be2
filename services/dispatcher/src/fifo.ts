/** First in, first out, without moving what stays. */
export interface Fifo<T> {
  push(item: T): void;
  shift(): T | undefined;
  peek(): T | undefined;
  readonly length: number;
  clear(): void;
}

/** Taken slots are given back once there are this many and they are half of all. */
const COMPACT_AT = 1_024;

/** An empty queue. */
export function createFifo<T>(): Fifo<T> {
  return new OneFifo<T>();
}

/** A class: every lane has one, and there may be a lane for each of a hundred thousand endpoints. */
class OneFifo<T> implements Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  clear(): void {
    this.#items.length = 0;
    this.#head = 0;
  }
}
