import { limits } from '@postrider/core';
import { createFullness } from './fullness.ts';
import type { Lane } from './lane.ts';

/** What holds waiting deliveries: one partition. */
export interface RowHolder {
  rows(): number;
  lanes(): Iterable<Lane>;
  /** There is room again. */
  onRoom(): void;
}

/** How many waiting deliveries a pod holds, and whose they are. */
export interface RowBound {
  /** Counts what it holds from now on; returns what ends that. */
  add(holder: RowHolder): () => void;
  /** Counts anew; called every second. */
  tick(): void;
  /** Full from 80 % of the bound on, until 50 % are left: nothing more is taken in. */
  readonly full: boolean;
  /** The same of the part up to which `deliveries.bulk` is read. */
  readonly bulkFull: boolean;
  /** The endpoints that hold most, the first the most. */
  largest(): readonly EndpointRows[];
}

/** How many waiting deliveries one endpoint has. */
export interface EndpointRows {
  readonly endpointId: string;
  readonly tenant: string;
  readonly rows: number;
}

/** How many endpoints an alarm names. */
const NAMED = 5;
/** The alarm is repeated after so many seconds. */
const REPEAT_TICKS = 60;

/** A bound of which nothing is counted yet. `onFull`: it has become full, or is full still, told once a minute. */
export function createRowBound(
  onFull: (rows: number, largest: readonly EndpointRows[]) => void,
  rowsMax: number = limits.podRowsMax,
): RowBound {
  const holders = new Set<RowHolder>();
  const isFull = createFullness(rowsMax);
  const isBulkFull = createFullness(rowsMax * limits.bulkWaitingFraction);
  let full = false;
  let bulkFull = false;
  let ticks = 0;
  const largest = (): readonly EndpointRows[] => largestOf(holders);
  return {
    add(holder) {
      holders.add(holder);
      return () => void holders.delete(holder);
    },
    tick() {
      let rows = 0;
      for (const holder of holders) rows += holder.rows();
      const before = full;
      full = isFull(rows);
      bulkFull = isBulkFull(rows);
      ticks = full && before ? ticks + 1 : 0;
      if (full && ticks % REPEAT_TICKS === 0) onFull(rows, largest());
      if (before && !full) for (const holder of holders) holder.onRoom();
    },
    get full() {
      return full;
    },
    get bulkFull() {
      return bulkFull;
    },
    largest,
  };
}

function largestOf(holders: Iterable<RowHolder>): EndpointRows[] {
  const first: EndpointRows[] = [];
  for (const holder of holders) {
    for (const { endpointId, tenant, rows } of holder.lanes()) {
      if (rows.held <= (first[NAMED - 1]?.rows ?? 0)) continue;
      first.push({ endpointId, tenant, rows: rows.held });
      first.sort((a, b) => b.rows - a.rows);
      first.length = Math.min(first.length, NAMED);
    }
  }
  return first;
}
