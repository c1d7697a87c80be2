import type { Claim, OwnershipRecord, Progress } from './records.ts';
import type { Rules } from './rules.ts';

/** Who owns the partition. */
export interface Owner {
  /** Offset of the newest valid claim; -1 when there is none. */
  readonly epoch: number;
  readonly process: number | null;
}

/** Folds the log: a claim is void if a newer epoch than the one it follows stands before it, known from a claim or a progress. */
export function ownerOf(rules: Rules, log: readonly OwnershipRecord[]): Owner {
  const proven = progresses(log);
  let owner: Owner = { epoch: -1, process: null };
  for (const claim of log) {
    if (claim.kind === 'claim' && (!rules.claimFollows || claim.follows >= newestBefore(claim, owner, proven)))
      owner = { epoch: claim.offset, process: claim.process };
  }
  let newest = proven[0];
  for (const progress of proven) if (newest !== undefined && progress.epoch > newest.epoch) newest = progress;
  return newest !== undefined && newest.epoch > owner.epoch ? { epoch: newest.epoch, process: newest.process } : owner;
}

/** The progress that holds; null when there is none. */
export function progressThatHolds(rules: Rules, log: readonly OwnershipRecord[]): Progress | null {
  let held: Progress | null = null;
  for (const next of progresses(log)) {
    if (held === null || !rules.progressByEpoch || next.epoch > held.epoch) held = next;
    else if (next.epoch === held.epoch && next.number > held.number) held = next;
  }
  return held;
}

export function isReleased(log: readonly OwnershipRecord[], epoch: number): boolean {
  return log.some((record) => record.kind === 'progress' && record.epoch === epoch && record.released);
}

function newestBefore(claim: Claim, owner: Owner, proven: readonly Progress[]): number {
  let newest = owner.epoch;
  for (const { epoch } of proven) if (epoch < claim.offset && epoch > newest) newest = epoch;
  return newest;
}

function progresses(log: readonly OwnershipRecord[]): Progress[] {
  return log.filter((record): record is Progress => record.kind === 'progress');
}
