import { limits } from '@postrider/core';

/** How much is held somewhere, in records and bytes, against its bounds. */
export interface Budget {
  /** Nothing more may be added by those who have a choice. */
  readonly full: boolean;
  add(records: number, bytes: number): void;
  remove(records: number, bytes: number): void;
}

export interface BudgetOptions {
  readonly recordsMax: number;
  readonly bytesMax: number;
  /** Called when its source should pause (above `pauseAtFraction` of a bound) and when it may go on (below `resumeAtFraction` of both). */
  onPressure?(pause: boolean): void;
}

/** A budget that tells with hysteresis when to pause. */
export function createBudget({ recordsMax, bytesMax, onPressure }: BudgetOptions): Budget {
  let records = 0;
  let bytes = 0;
  let paused = false;
  const used = () => Math.max(records / recordsMax, bytes / bytesMax);
  return {
    get full() {
      return records >= recordsMax || bytes >= bytesMax;
    },
    add(moreRecords, moreBytes) {
      records += moreRecords;
      bytes += moreBytes;
      if (paused || used() < limits.pauseAtFraction) return;
      paused = true;
      onPressure?.(true);
    },
    remove(lessRecords, lessBytes) {
      records -= lessRecords;
      bytes -= lessBytes;
      if (!paused || used() > limits.resumeAtFraction) return;
      paused = false;
      onPressure?.(false);
    },
  };
}

/** Bytes that a record holds in memory, roughly. */
export function weigh(record: { readonly key: Buffer | null; readonly value: Buffer | null }): number {
  return (record.key?.length ?? 0) + (record.value?.length ?? 0) + recordOverheadBytes;
}

/** What a record costs beside key and value: headers and objects. */
const recordOverheadBytes = 512;
