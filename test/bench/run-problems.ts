import type { DispatchRun } from './dispatch-run.ts';
import { recordsOf } from './tier-records.ts';
import type { DispatchOptions } from './options.ts';

/**
 * Attempts may differ from requests by what is in flight or not acknowledged yet at either end, a few full sends, and by the
 * moment at which each was asked.
 */
const UNACKNOWLEDGED_MAX = 2_000;
const COUNT_TOLERANCE_FRACTION = 0.01;
/** Tier records per attempt up to which what they cost cannot be seen in the figures; they are told in any case. */
const TIER_RECORDS_FRACTION_MAX = 0.002;

/** Why a run measures nothing: one sentence for each count that disagrees with another; empty when all is well. */
export function runProblems(run: DispatchRun, options: Pick<DispatchOptions, 'inFlight' | 'seconds'>): string[] {
  const problems: string[] = [];
  const { attempts, sinkRequests, progressRecords, whole } = run;
  const tolerance = options.inFlight + UNACKNOWLEDGED_MAX + attempts * COUNT_TOLERANCE_FRACTION;
  if (attempts === 0) problems.push('no attempt was acknowledged in the measured time');
  if (Math.abs(attempts - sinkRequests) > tolerance) {
    problems.push(`${attempts} attempts were acknowledged while the sink read ${sinkRequests} requests`);
  }
  // One a second and partition is promised; a busy machine may be late.
  if (progressRecords < (whole.partitions * options.seconds) / 2) {
    problems.push(`only ${progressRecords} progress records of ${whole.partitions} partitions in ${options.seconds} s`);
  }
  if (whole.attempts !== whole.sinkRequests) {
    problems.push(`${whole.attempts} attempts in all, and the sink read ${whole.sinkRequests} requests`);
  }
  if (whole.done.total !== whole.attempts) {
    problems.push(`${whole.attempts} attempts in all, and progress says that ${whole.done.total} deliveries are done`);
  }
  if (whole.done.released !== whole.partitions) {
    problems.push(`${whole.done.released} of ${whole.partitions} partitions were released at the end`);
  }
  whole.preloadedByPartition.forEach((count, partition) => {
    const left = count - (whole.done.byPartition[partition] ?? 0);
    // A partition that no endpoint falls into has nothing to run dry of.
    if (count > 0 && left <= 0) problems.push(`partition ${partition} ran dry of its ${count} deliveries`);
  });
  const waits = Object.entries(whole.tierRecords);
  if (recordsOf(whole.tierRecords) > whole.attempts * TIER_RECORDS_FRACTION_MAX) {
    problems.push(...waits.map(([what, count]) => `too many deliveries had to wait: ${count} × ${what}`));
  }
  if (whole.deadLetters > 0) problems.push(`${whole.deadLetters} deliveries died`);
  return problems;
}
