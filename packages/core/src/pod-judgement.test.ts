import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from './limits.ts';
import { createPodJudgement, type PodJudgement } from './pod-judgement.ts';

const second = 1_000;
const start = 5_000_000;

/** So many tenants with so many origins each, which have all answered. */
function setUp(tenants: number, origins: number, now = start) {
  const judgement = createPodJudgement();
  const names = Array.from({ length: tenants * origins }, (_, i) => ({
    tenant: `t${i % tenants}`,
    origin: `https://h${i}.example`,
  }));
  for (const { tenant, origin } of names) judgement.answered(tenant, origin, now);
  return { judgement, names };
}

/** Each fails in turn, a request every so many ms; how many had failed when it was judged. */
function failedUntilLost(
  judgement: PodJudgement,
  names: ReturnType<typeof setUp>['names'],
  from: number,
  everyMs = 300,
) {
  for (const [i, { tenant, origin }] of names.entries())
    if (judgement.failed(tenant, origin, from + i * everyMs) === 'lost') return i + 1;
  return null;
}

test('ten origins of three tenants that get no answer are the pod’s fault, fewer are not', () => {
  for (const [tenants, origins, lostAfter] of [
    [3, 4, 12],
    [10, 1, 10],
    [2, 20, null],
    [3, 3, null],
  ] as const) {
    const { judgement, names } = setUp(tenants, origins);
    const later = start + 40 * second;
    const lost = failedUntilLost(judgement, names, later);
    if (lostAfter === null) assert.equal(lost, null, `${tenants} tenants`);
    else assert.ok(lost !== null && lost >= 10 && lost <= lostAfter, `${lost}`);
    assert.equal(judgement.reaches, lostAfter === null);
  }
});

test('a thousand dead endpoints of one tenant are not the pod’s fault, however many others fail or are quiet', () => {
  const { judgement, names } = setUp(1, 1_000);
  for (const tenant of ['b', 'c', 'd']) judgement.answered(tenant, `https://${tenant}.example`, start);
  let now = start + 40 * second;
  for (let round = 0; round < 5; round += 1) {
    for (const { tenant, origin } of names) assert.equal(judgement.failed(tenant, origin, (now += 5)), null);
    // One other tenant fails too, and one is answered now and then.
    judgement.failed('b', 'https://b.example', now);
    judgement.answered('c', 'https://c.example', (now += 4 * second));
  }
  assert.ok(judgement.reaches);
});

test('one tenant in ten that is answered is a tenth of the votes, and two are more', () => {
  for (const [answered, lost] of [
    [1, true],
    [2, false],
  ] as const) {
    const { judgement, names } = setUp(10, 2);
    const now = start + 40 * second;
    const works = (tenant: string): boolean => Number(tenant.slice(1)) < answered;
    for (let i = 0; i < 3; i += 1)
      for (const { tenant, origin } of names)
        if (works(tenant)) judgement.answered(tenant, origin, now + i * second);
        else judgement.failed(tenant, origin, now + i * second);
    // Whoever is answered ends it, so it is looked at after the last failure.
    const last = names.find(({ tenant }) => !works(tenant)) ?? { tenant: '', origin: '' };
    judgement.failed(last.tenant, last.origin, now + 4 * second);
    assert.equal(judgement.reaches, !lost);
  }
});

test('origins that have not answered for fifteen minutes, or never, have no vote', () => {
  const { judgement, names } = setUp(5, 4);
  assert.equal(failedUntilLost(judgement, names, start + 15 * 60 * second + 1), null);
  const fresh = createPodJudgement();
  assert.equal(failedUntilLost(fresh, names, start), null);
});

test('on a busy pod five seconds without any answer are enough', () => {
  const { judgement, names } = setUp(5, 10);
  // All were answered a moment ago.
  const lost = failedUntilLost(judgement, [...names, ...names], start + 100, 200);
  assert.ok(lost !== null && lost <= 51, `${lost}`);
});

test('an answer of anybody ends it; then it takes as much to be judged again', () => {
  const { judgement, names } = setUp(5, 4);
  const now = start + 40 * second;
  assert.equal(failedUntilLost(judgement, names, now, 1), null);
  assert.equal(judgement.tick(now + second), 'lost');
  assert.equal(judgement.failed('t0', 'https://h0.example', now + second), null);
  assert.equal(judgement.answered('new', 'https://new.example', now + 2 * second), 'regained');
  assert.ok(judgement.reaches);
});

test('while it is lost one request a second starts; without any for a minute it is over', () => {
  const { judgement, names } = setUp(5, 4);
  assert.ok(judgement.mayStart(start));
  judgement.started(start);
  assert.ok(judgement.mayStart(start));
  let now = start + 40 * second;
  assert.notEqual(failedUntilLost(judgement, names, now), null);
  now += 10 * second;
  let starts = 0;
  for (let i = 0; i < 100; i += 1) {
    now += 100;
    if (!judgement.mayStart(now)) continue;
    judgement.started(now);
    starts += 1;
  }
  assert.equal(starts, 10);
  judgement.failed('t0', 'https://h0.example', now);
  assert.equal(judgement.tick(now + limits.podNothingToAskMs - 1), null);
  assert.equal(judgement.tick(now + limits.podNothingToAskMs), 'regained');
});

test('no more origins are known than may vote, and those that answered long ago make room', () => {
  const judgement = createPodJudgement();
  for (let i = 0; i < limits.podVotersMax + 10; i += 1) judgement.answered('a', `h${i}`, start);
  const late = start + limits.podVoterKnownMs + second;
  const names = Array.from({ length: 12 }, (_, i) => ({ tenant: `t${i % 3}`, origin: `n${i}` }));
  for (const { tenant, origin } of names) judgement.answered(tenant, origin, late);
  assert.notEqual(failedUntilLost(judgement, names, late + 10 * second), null);
});

test('with three tenants of which one is answered between any two failures it is never lost', () => {
  const failure = fc.record({ tenant: fc.integer({ min: 1, max: 2 }), origin: fc.nat(9), after: fc.nat(2_000) });
  fc.assert(
    fc.property(fc.array(failure, { minLength: 50, maxLength: 200 }), (failures) => {
      const { judgement } = setUp(3, 10);
      let now = start;
      for (const { tenant, origin, after } of failures) {
        judgement.failed(`t${tenant}`, `https://h${tenant + 3 * origin}.example`, (now += after));
        judgement.tick(now);
        assert.ok(judgement.reaches);
        judgement.answered('t0', 'https://h0.example', now);
      }
    }),
  );
});
