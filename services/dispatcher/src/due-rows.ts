import { NO_ROW, type RowIndex } from './row-index.ts';
import type { Clock } from '@postrider/core';
import type { Slices } from './slices.ts';

/** Wakes the rows of one partition at their times: many due times, one timer. */
export interface DueRows {
  /** A row has begun to wait, or waits for another time: the timer is set anew if need be. */
  arm(): void;
  /** Called every second: a wall clock that stepped forwards is noticed. */
  look(): void;
  close(): void;
}

/** What waking rows needs. */
export interface DueRowsOptions {
  readonly clock: Clock;
  readonly rows: RowIndex;
  readonly slices: Slices;
  /** Nothing is woken while this does not hold. */
  readonly mayWake: () => boolean;
  /** The row's time has come, never before it: it must wait for another time from now on, or not at all. */
  readonly wake: (row: number) => void;
}

/** Rows that are woken before the time is looked at again. */
const ROWS_PER_STEP = 32;

/** Nothing is armed yet. */
export function createDueRows({ clock, rows, slices, mayWake, wake }: DueRowsOptions): DueRows {
  let armedFor = Infinity;
  let disarm: (() => void) | null = null;
  let waking = false;
  let closed = false;

  const nextAt = (): number => (rows.wake.size === 0 ? Infinity : rows.wakeAt(rows.wake.top));

  function arm(): void {
    if (waking || closed) return;
    const next = nextAt();
    if (next === armedFor) return;
    disarm?.();
    disarm = null;
    armedFor = next;
    if (next === Infinity) return;
    disarm = clock.after(Math.max(0, next - clock.now()), fire);
  }

  function fire(): void {
    disarm = null;
    armedFor = Infinity;
    waking = true;
    slices.run(step);
  }

  function step(): boolean {
    if (closed || !mayWake()) return false;
    const now = clock.now();
    for (let left = ROWS_PER_STEP; left > 0; left -= 1) {
      const row = rows.wake.top;
      if (row === NO_ROW || rows.wakeAt(row) > now) {
        waking = false;
        arm();
        return false;
      }
      wake(row);
    }
    return true;
  }

  return {
    arm,
    look() {
      if (waking || closed || armedFor > clock.now()) return;
      disarm?.();
      fire();
    },
    close() {
      closed = true;
      disarm?.();
      disarm = null;
    },
  };
}
