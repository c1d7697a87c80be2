import { OrderingMode, RunKind } from '@postrider/contract/postrider/v1/delivery';
import type { DeliveryView, IntakeView } from './delivery-header.ts';

/** Where a delivery stands in the order of its endpoint. */
export interface OrderPlace {
  /** Hash of the ordering key; null: it was routed while the whole endpoint had one order. */
  readonly keyHash: bigint | null;
  /** Its offset on `deliveries`. */
  readonly seq: number;
}

/**
 * The ordered deliveries of one endpoint that have not ended, and whose turn it is (design rule 16). Two deliveries are
 * ordered among each other when they have the same key, or when one of them was routed while the whole endpoint had one
 * order: so the order also holds while the endpoint's mode is changed. Numbers only: 8 bytes for each delivery.
 */
export interface LaneOrder {
  /** Deliveries in it. */
  readonly size: number;
  /** Takes a delivery in; places may come in any order, each once. */
  add(place: OrderPlace): void;
  /** The delivery has ended, or has another place. */
  remove(place: OrderPlace): void;
  /** The lowest place among the deliveries that this one, which is in the order, is ordered with; its own if it is first. */
  firstFor(place: OrderPlace): number;
  /** The places whose turn may have come by the end of `ended`: all that are first now and were not, and perhaps more. */
  after(ended: OrderPlace): Iterable<number>;
  /** The first place of each key, and that of the whole endpoint: all places that may be first. */
  heads(): Iterable<number>;
}

/**
 * The place of a delivery that was read at `intake`; null: it stands in no order. Exempt are resends, recoveries and
 * replays, what was routed while its endpoint asked for no order, and what has no offset on `deliveries` to stand at. A
 * mode that this version does not know is taken for the strictest.
 */
export function orderPlaceOf(
  { ordering, runKind, runId }: Pick<DeliveryView, 'ordering' | 'runKind' | 'runId'>,
  intake: IntakeView,
): OrderPlace | null {
  if (ordering === null || runKind !== RunKind.FIRST || runId !== '' || intake.bulk || intake.offset < 0) return null;
  switch (ordering.mode) {
    case OrderingMode.UNSPECIFIED:
    case OrderingMode.NONE:
      return null;
    case OrderingMode.KEY:
      return { keyHash: ordering.keyHash, seq: intake.offset };
    case OrderingMode.ENDPOINT:
    case OrderingMode.UNRECOGNIZED:
      return { keyHash: null, seq: intake.offset };
  }
}

/** An order of none. */
export function createLaneOrder(): LaneOrder {
  return new Order();
}

class Order implements LaneOrder {
  size = 0;
  readonly #whole = new Places();
  readonly #keys = new Map<bigint, Places>();

  add({ keyHash, seq }: OrderPlace): void {
    this.size += 1;
    if (keyHash === null) return this.#whole.add(seq);
    let places = this.#keys.get(keyHash);
    if (places === undefined) this.#keys.set(keyHash, (places = new Places()));
    places.add(seq);
  }

  remove({ keyHash, seq }: OrderPlace): void {
    const places = keyHash === null ? this.#whole : this.#keys.get(keyHash);
    if (places?.remove(seq) !== true) return;
    this.size -= 1;
    if (keyHash !== null && places.lowest === Infinity) this.#keys.delete(keyHash);
  }

  firstFor({ keyHash }: OrderPlace): number {
    const whole = this.#whole.lowest;
    return Math.min(whole, keyHash === null ? this.#firstOfKeys() : (this.#keys.get(keyHash)?.lowest ?? Infinity));
  }

  *after({ keyHash }: OrderPlace): Iterable<number> {
    if (keyHash === null) return yield* this.heads();
    const next = this.#keys.get(keyHash)?.lowest;
    if (next !== undefined) yield next;
    if (this.#whole.lowest !== Infinity) yield this.#whole.lowest;
  }

  *heads(): Iterable<number> {
    if (this.#whole.lowest !== Infinity) yield this.#whole.lowest;
    for (const { lowest } of this.#keys.values()) yield lowest;
  }

  /** Looks at every key, but only while the endpoint changes its mode: else who asks finds none. */
  #firstOfKeys(): number {
    let first = Infinity;
    for (const { lowest } of this.#keys.values()) first = Math.min(first, lowest);
    return first;
  }
}

/** Numbers of which only the lowest is asked for: a heap, in which what was taken out from the middle stays until it surfaces. */
class Places {
  lowest = Infinity;
  readonly #heap: number[] = [];
  #removed: Set<number> | null = null;

  add(seq: number): void {
    if (this.#removed?.delete(seq) === true) return;
    push(this.#heap, seq);
    this.lowest = this.#heap[0] as number;
  }

  /** Answers whether it was there, as far as that is known: the caller takes out only what it has put in. */
  remove(seq: number): boolean {
    if (this.#heap.length === 0) return false;
    if (seq !== this.lowest) {
      this.#removed ??= new Set();
      if (this.#removed.has(seq)) return false;
      this.#removed.add(seq);
      return true;
    }
    do pop(this.#heap);
    while (this.#heap.length > 0 && this.#removed?.delete(this.#heap[0] as number) === true);
    this.lowest = this.#heap[0] ?? Infinity;
    return true;
  }
}

function push(heap: number[], seq: number): void {
  let at = heap.push(seq) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as number;
    if (above <= seq) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = seq;
}

function pop(heap: number[]): void {
  const last = heap.pop() as number;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child += 1;
    if ((heap[child] as number) >= last) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = last;
}
