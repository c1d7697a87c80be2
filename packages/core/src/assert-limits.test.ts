import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PostriderError } from './errors.ts';
import { assertLimits } from './assert-limits.ts';
import { drainLimitMs, limits } from './limits.ts';

test('the limits hold together as they stand', () => {
  assert.doesNotThrow(() => assertLimits());
  assert.equal(Object.isFrozen(limits), true);
});

test('the drain limit is the longest request deadline and ten seconds', () => {
  assert.equal(drainLimitMs(), 40_000);
});

test('every problem is named at once', () => {
  const broken = {
    ...limits,
    bodyBytesDefault: limits.bodyBytesMax + 1,
    resumeAtFraction: 0.9,
    laneQueueMax: Number.NaN,
  };
  assert.throws(
    () => assertLimits(broken),
    (error: unknown) => {
      assert.ok(error instanceof PostriderError);
      assert.equal(error.code, 'limits_inconsistent');
      assert.match(error.message, /laneQueueMax is NaN/);
      assert.match(error.message, /bodyBytesDefault ≤ bodyBytesMax/);
      assert.match(error.message, /resumeAtFraction < pauseAtFraction/);
      return true;
    },
  );
});

test('each relation can fail', () => {
  const breakers: Partial<Record<keyof typeof limits, number>>[] = [
    { headerBytesMax: 1_000_000 },
    { customHeaderValueBytesMax: 1_000_000 },
    { signingSecretBytesMin: 65 },
    { retrySpanMinMs: 1e12 },
    { retryDelayMaxMs: 1e12 },
    { retrySpanDefaultMinMs: 1e12 },
    { retryAfterMinMs: 1e9 },
    { internalBackoffBaseMs: 1e9 },
    { attemptTimeoutMinMs: 16_000 },
    { attemptTimeoutDefaultMs: 31_000 },
    { connectTimeoutMs: 11_000 },
    { responseExcerptBytes: 65_537 },
    { laneConcurrencyDefault: 257 },
    { podInFlightMax: 19 },
    { startsTogetherMax: 0 },
    { routerWritesTogetherMax: 0 },
    { podInFlightBytesMax: 1_000 },
    { podInFlightBytesMax: 73_000_000 },
    { podQueuedBytesMax: 1_000 },
    { putArrivalsAtFraction: 0.81 },
    { liveShareFraction: 0.8 },
    { podLendFraction: 0.7 },
    { unansweredFraction: 0.05 },
    { bulkQueuedFraction: 0.8 },
    { bulkWaitingFraction: 0.8 },
    { unansweredAfterMs: 1_001 },
    { fetchPartitionBytesMax: 2_000_000 },
    { fetchBytesMax: 5_000_000 },
    { refusedWriteBackoffMinMs: 60_001 },
    { rateBurstFraction: 1.1 },
    { stuckUsedFraction: 0.8 },
    { rangeResumeAtFraction: 1 },
    { stuckDoneFraction: 1 },
    { stuckLanesDoneFraction: 0.98 },
    { putQuietAtFraction: 0.5 },
    { putArrivalsAtFraction: 0.2 },
    { stuckMovedFraction: 0.9 },
    { walkUnsettledMax: 1_024 },
    { walkActiveMax: 1_024 },
    { configLookMinMs: 3_600_001 },
    { slots: 4_095 },
    { progressEveryCompletions: 10_001 },
    { repeatLookBackOffsetsMax: 10_001 },
    { tierShortWaitMs: 3_600_000 },
    { heartbeatEveryMs: 10_001 },
    { fenceFraction: 1 },
    { terminationGraceMs: 59_999 },
    { laneInFlightFraction: 0 },
    { breakerFailuresFraction: 1.1 },
    { breakerOpenMinMs: 600_001 },
    { breakerPeriodMs: 600_001 },
    { retryBudgetEveryMs: 60_001 },
    { podVotesBusyMs: 30_001 },
    { podVotesMs: 900_001 },
    { podVotesFraction: 1.1 },
    { podNothingToAskMs: 30_000 },
  ];
  for (const change of breakers) {
    assert.throws(
      () => assertLimits({ ...limits, ...change }),
      { code: 'limits_inconsistent' },
      JSON.stringify(change),
    );
  }
});
