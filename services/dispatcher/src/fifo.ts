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
  let items: (T | undefined)[] = [];
  let head = 0;
  return {
    push(item) {
      items.push(item);
    },
    shift() {
      if (head === items.length) return undefined;
      const item = items[head];
      items[head] = undefined;
      head += 1;
      if (head === items.length) {
        items.length = 0;
        head = 0;
      } else if (head >= COMPACT_AT && head * 2 >= items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
    peek: () => items[head],
    get length() {
      return items.length - head;
    },
    clear() {
      items.length = 0;
      head = 0;
    },
  };
}
