import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDeliveries, type Evidence, type Expectation } from './check-deliveries.ts';
import type { Receipt } from './receipt.ts';

const delivered: Expectation = {
  deliveryId: 'dlv_1',
  webhookId: 'msg_1',
  path: 'good',
  partition: 0,
  bodySha256: 'b',
  ending: 'delivered',
  attempts: 1,
};
const died: Expectation = { ...delivered, deliveryId: 'dlv_2', path: 'bad', ending: 'dead', attempts: 2 };
const receipt = (path: string, at: number, status: number): Receipt => ({
  path,
  webhookId: 'msg_1',
  bodySha256: 'b',
  at,
  from: '127.0.0.1',
  agent: 'Postrider',
  status,
  signature: 'valid',
});
const clean: Evidence = {
  expected: [delivered, died],
  receipts: [receipt('good', 1_000, 200), receipt('bad', 1_000, 500), receipt('bad', 2_000, 500)],
  deadLetters: [{ deliveryId: 'dlv_2', attempts: 2, reason: 'EXHAUSTED' }],
  attempts: [
    { deliveryId: 'dlv_1', number: 1, startedAt: 990, answered: true, settledAt: 1_010, nextDueAt: null },
    { deliveryId: 'dlv_2', number: 1, startedAt: 990, answered: true, settledAt: 1_010, nextDueAt: 1_900 },
    { deliveryId: 'dlv_2', number: 2, startedAt: 1_990, answered: true, settledAt: 2_010, nextDueAt: null },
  ],
  kills: [],
  slackMs: 10,
};
const problemsOf = (change: Partial<Evidence>) => checkDeliveries({ ...clean, ...change }).problems.join('\n');

test('clean evidence passes', () => {
  assert.deepEqual(checkDeliveries(clean), {
    problems: [],
    delivered: 1,
    dead: 1,
    lost: 0,
    duplicates: 0,
    duplicatesAllowed: 0,
  });
});

test('a delivery that never arrived is lost', () => {
  assert.match(problemsOf({ receipts: clean.receipts.slice(1) }), /lost: good/);
});

test('a delivery that is neither delivered nor dead is lost', () => {
  assert.match(problemsOf({ deadLetters: [] }), /lost: bad/);
});

test('a second success without a kill is a duplicate', () => {
  assert.match(problemsOf({ receipts: [...clean.receipts, receipt('good', 3_000, 200)] }), /duplicate: good/);
});

test('a request without a record was in flight at the next kill, and may be repeated once', () => {
  const receipts = [...clean.receipts, receipt('good', 3_000, 200)];
  const attempts = [{ ...clean.attempts[0]!, startedAt: 2_990, settledAt: 3_010 }, ...clean.attempts.slice(1)];
  const kills = [{ at: 1_500, uncoveredSince: new Map([[0, 1_200]]) }];
  assert.equal(problemsOf({ receipts, attempts, kills }), '');
  assert.match(
    problemsOf({ receipts: [...receipts, receipt('good', 4_000, 200)], attempts, kills }),
    /duplicate: good msg_1 was repeated 2 time\(s\), the kills explain 1/,
  );
});

test('each of several failed attempts after the last sure progress record may be repeated', () => {
  const again = [receipt('bad', 3_000, 500), receipt('bad', 4_000, 500)];
  const kills = [{ at: 2_500, uncoveredSince: new Map([[0, 900]]) }];
  assert.equal(problemsOf({ receipts: [...clean.receipts, ...again], kills }), '');
});

test('a second success is allowed when the first finished after the last sure progress record of a killed process', () => {
  const receipts = [...clean.receipts, receipt('good', 3_000, 200)];
  const kill = (since: number) => [{ at: 1_500, uncoveredSince: new Map([[0, since]]) }];
  assert.equal(problemsOf({ receipts, kills: kill(900) }), '');
  assert.match(problemsOf({ receipts, kills: kill(1_200) }), /duplicate: good/);
});

test('a request nobody asked for, a changed body and a wrong signature are found', () => {
  assert.match(problemsOf({ receipts: [...clean.receipts, receipt('other', 1, 200)] }), /phantom/);
  assert.match(
    problemsOf({ receipts: [{ ...receipt('good', 1, 200), bodySha256: 'x' }, ...clean.receipts.slice(1)] }),
    /body of/,
  );
  assert.match(
    problemsOf({ receipts: [{ ...receipt('good', 1, 200), signature: 'no' }, ...clean.receipts.slice(1)] }),
    /signature/,
  );
});

test('an attempt that was never settled may be repeated after the next kill, and after no other', () => {
  const receipts = [...clean.receipts, receipt('good', 3_000, 200)];
  const attempts = [{ ...clean.attempts[0]!, settledAt: Infinity }, ...clean.attempts.slice(1)];
  const killAt = (at: number) => ({ at, uncoveredSince: new Map([[0, at - 10]]) });
  assert.equal(problemsOf({ receipts, attempts, kills: [killAt(2_500)] }), '');
  assert.match(problemsOf({ receipts, attempts, kills: [killAt(900)] }), /duplicate: good/);
});

test('an answer to a request that the endpoint has not seen is found', () => {
  assert.match(
    problemsOf({ receipts: clean.receipts.slice(0, 2) }),
    /bad msg_1: 2 attempts had an answer, but 1 requests/,
  );
});

test('an attempt before its due time, too few attempts and too many are found', () => {
  assert.match(problemsOf({ attempts: [clean.attempts[1]!, { ...clean.attempts[2]!, startedAt: 1_899 }] }), /early/);
  assert.match(problemsOf({ deadLetters: [{ deliveryId: 'dlv_2', attempts: 1, reason: '' }] }), /died after 1/);
  assert.match(problemsOf({ receipts: [...clean.receipts, receipt('bad', 3_000, 500)] }), /duplicate: bad/);
});

test('what failed on our own side later makes no earlier attempt early', () => {
  const failure = { number: 0, answered: false, settledAt: 1_200, nextDueAt: 3_000 };
  const attempts = [...clean.attempts, { ...failure, deliveryId: 'dlv_2', startedAt: 1_100 }];
  assert.equal(problemsOf({ attempts }), '');
  const before = [...clean.attempts, { ...failure, deliveryId: 'dlv_2', startedAt: 900 }];
  assert.match(problemsOf({ attempts: before }), /early: attempt 1 of dlv_2/);
});

test('a partition taken unreleased explains what is repeated of it, and nothing of another', () => {
  const receipts = [...clean.receipts, receipt('good', 3_000, 200)];
  const taken = (partition: number) => [{ at: 2_000, uncoveredSince: new Map([[partition, 0]]) }];
  assert.equal(problemsOf({ receipts, kills: taken(0) }), '');
  assert.match(problemsOf({ receipts, kills: taken(1) }), /duplicate: good/);
});
