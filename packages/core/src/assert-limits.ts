import { PostriderError } from './errors.ts';
import { drainLimitMs, limits, type Limits } from './limits.ts';

const relations: readonly (readonly [text: string, holds: (l: Limits) => boolean])[] = [
  ['bodyBytesDefault ≤ bodyBytesMax', (l) => l.bodyBytesDefault <= l.bodyBytesMax],
  ['headerBytesMax < recordOverheadBytes', (l) => l.headerBytesMax < l.recordOverheadBytes],
  ['customHeaderValueBytesMax ≤ customHeaderBytesMax', (l) => l.customHeaderValueBytesMax <= l.customHeaderBytesMax],
  ['signingSecretBytesMin ≤ signingSecretBytesMax', (l) => l.signingSecretBytesMin <= l.signingSecretBytesMax],
  ['secretOverlapDefaultMs ≤ secretOverlapMaxMs', (l) => l.secretOverlapDefaultMs <= l.secretOverlapMaxMs],
  [
    'kmsTimeoutMs + kmsAgainMs < dataKeyRenewedBeforeMs < dataKeyKeptMs',
    (l) => l.kmsTimeoutMs + l.kmsAgainMs < l.dataKeyRenewedBeforeMs && l.dataKeyRenewedBeforeMs < l.dataKeyKeptMs,
  ],
  ['verificationSpanMs ≤ retrySpanMaxMs', (l) => l.verificationSpanMs <= l.retrySpanMaxMs],
  ['retrySpanMinMs < retrySpanMaxMs', (l) => l.retrySpanMinMs < l.retrySpanMaxMs],
  ['retrySpanDefaultMinMs ≤ retrySpanMaxMs', (l) => l.retrySpanDefaultMinMs <= l.retrySpanMaxMs],
  ['retryDelayMaxMs ≤ retrySpanMaxMs', (l) => l.retryDelayMaxMs <= l.retrySpanMaxMs],
  ['retryAfterMinMs ≤ retryAfterCapMs', (l) => l.retryAfterMinMs <= l.retryAfterCapMs],
  ['retryAfterCapMs ≤ retrySpanMaxMs', (l) => l.retryAfterCapMs <= l.retrySpanMaxMs],
  ['internalBackoffBaseMs ≤ internalBackoffCapMs', (l) => l.internalBackoffBaseMs <= l.internalBackoffCapMs],
  ['attemptTimeoutMinMs ≤ attemptTimeoutDefaultMs', (l) => l.attemptTimeoutMinMs <= l.attemptTimeoutDefaultMs],
  ['attemptTimeoutDefaultMs ≤ attemptTimeoutMaxMs', (l) => l.attemptTimeoutDefaultMs <= l.attemptTimeoutMaxMs],
  ['connectTimeoutMs ≤ responseHeadersTimeoutMs', (l) => l.connectTimeoutMs <= l.responseHeadersTimeoutMs],
  [
    'responseHeadersTimeoutMs ≤ attemptTimeoutDefaultMs',
    (l) => l.responseHeadersTimeoutMs <= l.attemptTimeoutDefaultMs,
  ],
  ['responseExcerptBytes ≤ responseReadBytes', (l) => l.responseExcerptBytes <= l.responseReadBytes],
  ['laneConcurrencyDefault ≤ laneConcurrencyMax', (l) => l.laneConcurrencyDefault <= l.laneConcurrencyMax],
  ['laneConcurrencyStart ≤ laneConcurrencyMax', (l) => l.laneConcurrencyStart <= l.laneConcurrencyMax],
  [
    'liveShareFraction + retryShareFraction + bulkShareFraction = 1',
    (l) => Math.abs(l.liveShareFraction + l.retryShareFraction + l.bulkShareFraction - 1) < 1e-9,
  ],
  [
    'liveShareFraction < podLendFraction < 1: some of what is lent to others is always free',
    (l) => l.liveShareFraction < l.podLendFraction && l.podLendFraction < 1,
  ],
  [
    'bulkShareFraction ≤ unansweredFraction < unknownFraction < podLendFraction',
    (l) =>
      l.bulkShareFraction <= l.unansweredFraction &&
      l.unansweredFraction < l.unknownFraction &&
      l.unknownFraction < l.podLendFraction,
  ],
  ['fetchPartitionBytesMax ≤ fetchBytesMax', (l) => l.fetchPartitionBytesMax <= l.fetchBytesMax],
  // The part of the memory for queued deliveries that is left when reading stops; six brokers give two answers at the same time.
  [
    '12 × fetchBytesMax ≤ podQueuedBytesMax × (1 − pauseAtFraction)',
    (l) => 12 * l.fetchBytesMax <= l.podQueuedBytesMax * (1 - l.pauseAtFraction),
  ],
  ['bulkQueuedFraction < pauseAtFraction', (l) => l.bulkQueuedFraction < l.pauseAtFraction],
  ['bulkWaitingFraction < pauseAtFraction', (l) => l.bulkWaitingFraction < l.pauseAtFraction],
  ['unansweredQuietMs ≤ unansweredAfterMs', (l) => l.unansweredQuietMs <= l.unansweredAfterMs],
  ['unansweredAfterMs ≤ attemptTimeoutMinMs', (l) => l.unansweredAfterMs <= l.attemptTimeoutMinMs],
  [
    'bodyBytesMax ≤ podQueuedBytesMax × bulkQueuedFraction',
    (l) => l.bodyBytesMax <= l.podQueuedBytesMax * l.bulkQueuedFraction,
  ],
  ['podVotesBusyMs ≤ podVotesMs', (l) => l.podVotesBusyMs <= l.podVotesMs],
  ['podVotesMs ≤ podVoterKnownMs', (l) => l.podVotesMs <= l.podVoterKnownMs],
  ['podVotesFraction ≤ 1', (l) => l.podVotesFraction <= 1],
  ['podNothingToAskMs > attemptTimeoutMaxMs', (l) => l.podNothingToAskMs > l.attemptTimeoutMaxMs],
  ['breakerFailuresFraction ≤ 1', (l) => l.breakerFailuresFraction <= 1],
  ['breakerOpenMinMs ≤ breakerOpenMaxMs', (l) => l.breakerOpenMinMs <= l.breakerOpenMaxMs],
  ['breakerPeriodMs ≤ breakerKeptMs', (l) => l.breakerPeriodMs <= l.breakerKeptMs],
  ['retryBudgetEveryMs ≤ breakerPeriodMs', (l) => l.retryBudgetEveryMs <= l.breakerPeriodMs],
  ['startsTogetherMax ≥ 1', (l) => l.startsTogetherMax >= 1],
  ['routerWritesTogetherMax ≥ 1', (l) => l.routerWritesTogetherMax >= 1],
  ['podInFlightMax × laneInFlightFraction ≥ 1', (l) => l.podInFlightMax * l.laneInFlightFraction >= 1],
  ['bodyBytesMax ≤ podInFlightBytesMax', (l) => l.bodyBytesMax <= l.podInFlightBytesMax],
  ['bodyBytesMax ≤ podQueuedBytesMax', (l) => l.bodyBytesMax <= l.podQueuedBytesMax],
  // Else what is in flight, and as much as one lane may have queued, would keep everybody's reading stopped.
  [
    'podInFlightBytesMax + podInFlightMax × queuedOverheadBytes + bodyBytesMax + podQueuedBytesMax × laneInFlightFraction < podQueuedBytesMax × pauseAtFraction',
    (l) =>
      l.podInFlightBytesMax + l.podInFlightMax * l.queuedOverheadBytes + l.bodyBytesMax <
      l.podQueuedBytesMax * (l.pauseAtFraction - l.laneInFlightFraction),
  ],
  [
    '0 < resumeAtFraction < pauseAtFraction < 1',
    (l) => 0 < l.resumeAtFraction && l.resumeAtFraction < l.pauseAtFraction && l.pauseAtFraction < 1,
  ],
  [
    '0 < putArrivalsAtFraction < pauseAtFraction',
    (l) => 0 < l.putArrivalsAtFraction && l.putArrivalsAtFraction < l.pauseAtFraction,
  ],
  ['doneLeftAloneMinMs ≤ doneLeftAloneMaxMs', (l) => l.doneLeftAloneMinMs <= l.doneLeftAloneMaxMs],
  ['doneBatchMax ≤ doneQueueMax', (l) => l.doneBatchMax <= l.doneQueueMax],
  [
    'doneKeptMs > sessionTimeoutMs + drain limit + drainSlackMs',
    (l) => l.doneKeptMs > l.sessionTimeoutMs + drainLimitMs(l) + l.drainSlackMs,
  ],
  [
    '0 < stuckUsedFraction ≤ rangeResumeAtFraction < 1',
    (l) => 0 < l.stuckUsedFraction && l.stuckUsedFraction <= l.rangeResumeAtFraction && l.rangeResumeAtFraction < 1,
  ],
  [
    'stuckLanesDoneFraction < stuckDoneFraction < 1',
    (l) => l.stuckLanesDoneFraction < l.stuckDoneFraction && l.stuckDoneFraction < 1,
  ],
  // What is put as it is read leaves the range to what was read before, so that no more of it is used than is freed.
  [
    '0 < putQuietAtFraction < stuckUsedFraction',
    (l) => 0 < l.putQuietAtFraction && l.putQuietAtFraction < l.stuckUsedFraction,
  ],
  // A full lane's arrivals are asked about only where quiet ones are.
  ['putQuietAtFraction ≤ putArrivalsAtFraction', (l) => l.putQuietAtFraction <= l.putArrivalsAtFraction],
  ['stuckMovedFraction < stuckUsedFraction', (l) => l.stuckMovedFraction < l.stuckUsedFraction],
  ['storeMemoryBytesMax ≤ storeBytesDefault', (l) => l.storeMemoryBytesMax <= l.storeBytesDefault],
  ['walkUnsettledMax < podInFlightMax', (l) => l.walkUnsettledMax < l.podInFlightMax],
  ['podInFlightMax < walkActiveMax', (l) => l.podInFlightMax < l.walkActiveMax],
  ['configLookMinMs ≤ configLookMaxMs', (l) => l.configLookMinMs <= l.configLookMaxMs],
  ['slots is a power of two', (l) => Number.isInteger(Math.log2(l.slots))],
  ['progressEveryCompletions ≤ offsetRangeMax', (l) => l.progressEveryCompletions <= l.offsetRangeMax],
  [
    'routerSessionTimeoutMaxMs ≤ ¾ repeatLookBackMs: the rest is for the heir to start',
    (l) => l.routerSessionTimeoutMaxMs <= 0.75 * l.repeatLookBackMs,
  ],
  ['repeatLookBackOffsetsMax ≤ recentKeysMax', (l) => l.repeatLookBackOffsetsMax <= l.recentKeysMax],
  ['repeatLookBackOffsetsMax ≤ offsetRangeMax', (l) => l.repeatLookBackOffsetsMax <= l.offsetRangeMax],
  [
    'refusedWriteBackoffMinMs ≤ refusedWriteBackoffMaxMs',
    (l) => l.refusedWriteBackoffMinMs <= l.refusedWriteBackoffMaxMs,
  ],
  ['rateBurstFraction ≤ 1', (l) => l.rateBurstFraction <= 1],
  ['claimTombstoneMs ≥ lateWriteMs', (l) => l.claimTombstoneMs >= l.lateWriteMs],
  ['tierShortWaitMs < tierMediumWaitMs', (l) => l.tierShortWaitMs < l.tierMediumWaitMs],
  ['tierMediumWaitMs < retrySpanMaxMs', (l) => l.tierMediumWaitMs < l.retrySpanMaxMs],
  ['3 × heartbeatEveryMs ≤ sessionTimeoutMs', (l) => 3 * l.heartbeatEveryMs <= l.sessionTimeoutMs],
  // It is noticed at the second look.
  ['readStallAlarmMs < readStallLookEveryMs', (l) => l.readStallAlarmMs < l.readStallLookEveryMs],
  ['readStallAlarmMs < readStallUnhealthyMs', (l) => l.readStallAlarmMs < l.readStallUnhealthyMs],
  ['0 < fenceFraction < 1', (l) => 0 < l.fenceFraction && l.fenceFraction < 1],
  [
    'sessionTimeoutMs × (1 − fenceFraction) ≥ heartbeatEveryMs',
    (l) => l.sessionTimeoutMs * (1 - l.fenceFraction) >= l.heartbeatEveryMs,
  ],
  [
    'terminationGraceMs ≥ drain limit + graceAboveDrainMs',
    (l) => l.terminationGraceMs >= drainLimitMs(l) + l.graceAboveDrainMs,
  ],
];

/**
 * Asserts that every limit is a finite number above zero and that their relations hold. Called once at start.
 * @throws PostriderError `limits_inconsistent`, naming every problem
 */
export function assertLimits(values: Limits = limits): void {
  const problems = Object.entries(values)
    .filter(([, value]) => !(Number.isFinite(value) && value > 0))
    .map(([name, value]) => `${name} is ${value}; it must be a finite number above 0`);
  for (const [text, holds] of relations) if (!holds(values)) problems.push(`does not hold: ${text}`);
  if (problems.length > 0) throw new PostriderError('limits_inconsistent', problems.join('; '));
}
