import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settledAt, type AttemptRecordSeen, type DeliveryFacts, type TierRecordSeen } from './settled.ts';

const attempt: AttemptRecordSeen = { number: 1, recordedAt: 100, epoch: 7, decision: 'done' };
const facts: DeliveryFacts = {
  tiers: ['short', 'long'],
  tierRecords: [],
  deadLetterAt: undefined,
  olderThanClaim: false,
};
const row = (tier: string, at: number, epoch: number, n: number, number = 0): TierRecordSeen => ({
  ...{ tier, at, version: { epoch, n }, attempt: number },
});
const tombstone = (tier: string, at: number, epoch: number, n: number): TierRecordSeen => ({
  ...{ tier, at, version: { epoch, n }, attempt: null },
});

test('a delivery without rows is settled with its attempt', () => {
  assert.equal(settledAt(attempt, facts), 100);
});

test('a row is settled by its tombstone, in the tier where it is', () => {
  assert.equal(settledAt(attempt, { ...facts, tierRecords: [row('short', 50, 7, 1)] }), Infinity);
  const buried = [row('short', 50, 7, 1), tombstone('short', 140, 7, 2)];
  assert.equal(settledAt(attempt, { ...facts, tierRecords: buried }), 140);
  // The row of a later reign says nothing of this one.
  assert.equal(settledAt(attempt, { ...facts, tierRecords: [...buried, row('short', 900, 9, 1)] }), 140);
});

test('what is older than the claim is settled when each tier has a tombstone of the reign', () => {
  const old = { ...facts, olderThanClaim: true };
  assert.equal(settledAt(attempt, old), Infinity);
  const tierRecords = [tombstone('short', 140, 7, 2), tombstone('long', 300, 7, 3)];
  assert.equal(settledAt(attempt, { ...old, tierRecords }), 300);
  assert.equal(
    settledAt(attempt, { ...old, tierRecords: [...tierRecords.slice(1), tombstone('short', 9, 3, 1)] }),
    Infinity,
  );
});

test('a retry is settled by the row that counts it, a dead letter by its own record', () => {
  const retry = { ...attempt, decision: 'retry' } as const;
  assert.equal(settledAt(retry, { ...facts, tierRecords: [row('short', 120, 7, 1, 1)] }), 120);
  assert.equal(settledAt(retry, { ...facts, tierRecords: [row('short', 120, 7, 1, 0)] }), Infinity);
  const dead = { ...attempt, decision: 'dead' } as const;
  assert.equal(settledAt(dead, facts), Infinity);
  assert.equal(settledAt(dead, { ...facts, deadLetterAt: 130 }), 130);
});
