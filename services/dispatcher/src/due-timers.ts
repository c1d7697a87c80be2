import type { Clock } from '@postrider/core';

/** One thing that is to happen at a wall clock time. */
export interface DueTimer {
  readonly at: number;
  readonly order: number;
  callback: (() => void) | null;
}

/** Many due times, one timer. */
export interface DueTimers {
  /** Calls `callback` once `clock.now()` has reached `at` (ms since the Unix epoch), never before. */
  at(at: number, callback: () => void): DueTimer;
  /** Forgets it; harmless when it has happened. */
  cancel(timer: DueTimer): void;
  /** How many wait. */
  readonly size: number;
  close(): void;
}

/** Longest sleep: a wall clock that steps forwards is noticed within this, and Node's timers take no more than 2^31 ms. */
const SLEEP_MS_MAX = 60_000;

/** A heap by due time over one timer of the clock. */
export function createDueTimers(clock: Clock): DueTimers {
  const heap: DueTimer[] = [];
  let live = 0;
  let created = 0;
  let armedFor = Infinity;
  let disarm: (() => void) | null = null;

  function arm(): void {
    while (heap[0] !== undefined && heap[0].callback === null) pop(heap);
    const next = heap[0]?.at ?? Infinity;
    if (next === armedFor) return;
    disarm?.();
    disarm = null;
    armedFor = next;
    if (next === Infinity) return;
    disarm = clock.after(Math.min(SLEEP_MS_MAX, Math.max(0, next - clock.now())), fire);
  }

  function fire(): void {
    disarm = null;
    armedFor = Infinity;
    const now = clock.now();
    for (let first = heap[0]; first !== undefined && (first.callback === null || first.at <= now); first = heap[0]) {
      pop(heap);
      const { callback } = first;
      if (callback === null) continue;
      first.callback = null;
      live -= 1;
      callback();
    }
    arm();
  }

  return {
    at(at, callback) {
      const timer: DueTimer = { at, order: created++, callback };
      live += 1;
      push(heap, timer);
      if (at < armedFor) arm();
      return timer;
    },
    cancel(timer) {
      if (timer.callback === null) return;
      timer.callback = null;
      live -= 1;
    },
    get size() {
      return live;
    },
    close() {
      disarm?.();
      disarm = null;
      heap.length = 0;
      live = 0;
    },
  };
}

function before(a: DueTimer, b: DueTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: DueTimer[], timer: DueTimer): void {
  let at = heap.push(timer) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as DueTimer;
    if (!before(timer, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = timer;
}

function pop(heap: DueTimer[]): void {
  const last = heap.pop() as DueTimer;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as DueTimer, heap[child] as DueTimer)) child += 1;
    if (!before(heap[child] as DueTimer, last)) break;
    heap[at] = heap[child] as DueTimer;
    at = child;
  }
  heap[at] = last;
}
