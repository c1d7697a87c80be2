import { writeNames, type WriteName } from './referee/named-writes.ts';

/** How often each situation was met: a search that never meets a situation says nothing about it. */
export interface CoverageCounts {
  readonly crashes: Record<string, { written: number; before: number; after: number }>;
  readonly situations: Record<string, number>;
}

export interface Coverage {
  readonly counts: CoverageCounts;
  crash(write: WriteName, moment: 'before' | 'after'): void;
  written(write: WriteName): void;
  count(situation: string, times?: number): void;
}

export function createCoverage(): Coverage {
  const counts: CoverageCounts = {
    crashes: Object.fromEntries(writeNames.map((name) => [name, { written: 0, before: 0, after: 0 }])),
    situations: {},
  };
  return {
    counts,
    crash(write, moment) {
      (counts.crashes[write] ??= { written: 0, before: 0, after: 0 })[moment] += 1;
    },
    written(write) {
      (counts.crashes[write] ??= { written: 0, before: 0, after: 0 }).written += 1;
    },
    count(situation, times = 1) {
      counts.situations[situation] = (counts.situations[situation] ?? 0) + times;
    },
  };
}

/** Adds what another run has met. */
export function addCoverage(sum: CoverageCounts, more: CoverageCounts): void {
  for (const [name, { written, before, after }] of Object.entries(more.crashes)) {
    const crash = (sum.crashes[name] ??= { written: 0, before: 0, after: 0 });
    crash.written += written;
    crash.before += before;
    crash.after += after;
  }
  for (const [name, times] of Object.entries(more.situations))
    sum.situations[name] = (sum.situations[name] ?? 0) + times;
}
