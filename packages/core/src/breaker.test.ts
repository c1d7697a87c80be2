import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import fc from 'fast-check';
import { createBreaker, createHalfOpenBreaker, signOf, type Breaker, type EndpointSign } from './breaker.ts';
import { limits } from './limits.ts';

const second = 1_000;
const noJitter = (): number => 0;

/** A breaker and attempts that take no time, one after the other. */
function setUp(breaker: Breaker = createBreaker(noJitter)) {
  let now = 1_000_000;
  const attempt = (sign: EndpointSign, { retry = false } = {}) => {
    now += 1;
    breaker.started(retry, now);
    now += 1;
    return breaker.told(sign, now - 1, now);
  };
  const times = (count: number, sign: EndpointSign) => Array.from({ length: count }, () => attempt(sign));
  const pass = (ms: number): number => (now += ms);
  return { breaker, attempt, times, pass, now: () => now, openMs: () => breaker.openAt - now };
}

/** It fails until its breaker opens. */
function opened() {
  const one = setUp();
  assert.equal(one.times(10, 'fails').at(-1), 'opened');
  return one;
}

test('only what an endpoint did itself tells of it; an answer below 500 tells that it works', () => {
  const signs: readonly [Outcome, number, EndpointSign][] = [
    [Outcome.DELIVERED, 200, 'works'],
    [Outcome.DELIVERED, 500, 'works'],
    [Outcome.REJECTED, 404, 'works'],
    [Outcome.REJECTED, 301, 'works'],
    [Outcome.REJECTED, 500, 'fails'],
    [Outcome.THROTTLED, 429, 'works'],
    [Outcome.THROTTLED, 503, 'fails'],
    [Outcome.UNREACHABLE, 0, 'fails'],
    [Outcome.TIMED_OUT, 0, 'fails'],
    [Outcome.GONE, 410, null],
    [Outcome.BLOCKED, 0, null],
    [Outcome.INTERNAL_ERROR, 0, null],
    [Outcome.CANCELLED, 0, null],
    [Outcome.UNRECOGNIZED, 0, null],
  ];
  for (const [outcome, status, sign] of signs) assert.equal(signOf(outcome, status), sign, `${outcome} ${status}`);
});

test('ten failures in a row open it for half a minute, nine do not', () => {
  const { breaker, times, attempt, openMs } = setUp();
  assert.deepEqual(new Set(times(9, 'fails')), new Set([null]));
  attempt('works');
  times(9, 'fails');
  assert.ok(breaker.closed);
  assert.equal(attempt('fails'), 'opened');
  assert.ok(!breaker.closed);
  assert.equal(openMs(), 30 * second);
});

test('failures that are a minute apart are none in a row', () => {
  const { breaker, attempt, pass } = setUp();
  for (let i = 0; i < 30; i += 1) {
    attempt('fails');
    pass(60 * second);
  }
  assert.ok(breaker.closed);
});

test('half of twenty attempts in a minute open it, fewer or spread over longer do not', () => {
  const mixed = setUp();
  for (let i = 0; i < 9; i += 1) assert.deepEqual([mixed.attempt('fails'), mixed.attempt('works')], [null, null]);
  mixed.attempt('works');
  assert.equal(mixed.attempt('fails'), 'opened');
  const seldom = setUp();
  for (let i = 0; i < 50; i += 1) {
    seldom.attempt('fails');
    seldom.attempt('works');
    seldom.pass(10 * second);
  }
  assert.ok(seldom.breaker.closed);
  const mostlyWell = setUp();
  for (let i = 0; i < 50; i += 1) assert.deepEqual(new Set(mostlyWell.times(3, 'works')), new Set([null]));
  for (let i = 0; i < 50; i += 1) assert.equal([mostlyWell.attempt('fails'), ...mostlyWell.times(2, 'works')][0], null);
});

test('each request that asks in vain doubles its time, up to ten minutes', () => {
  const { attempt, pass, openMs } = opened();
  const minutes = [];
  for (let i = 0; i < 7; i += 1) {
    pass(openMs());
    assert.equal(attempt('fails'), 'reopened');
    minutes.push(openMs() / 60_000);
  }
  assert.deepEqual(minutes, [1, 2, 4, 8, 10, 10, 10]);
});

test('a request that tells that the endpoint works closes it; it remembers for ten minutes how long it was open', () => {
  for (const [restedMs, secondMs] of [
    [9 * 60 * second, 60 * second],
    [11 * 60 * second, 30 * second],
  ] as const) {
    const { breaker, attempt, times, pass, openMs } = opened();
    pass(openMs());
    assert.equal(attempt('works'), 'closed');
    assert.ok(breaker.closed && breaker.openAt === -Infinity);
    pass(restedMs);
    times(10, 'fails');
    assert.equal(openMs(), secondMs);
  }
});

test('what started before it opened moves it no more, nor does what tells nothing', () => {
  const { breaker, now, pass, openMs } = opened();
  const before = now() - 5;
  const { openAt } = breaker;
  for (const sign of ['fails', 'works', null] as const) assert.equal(breaker.told(sign, before, now() + 1), null);
  assert.equal(breaker.openAt, openAt);
  const at = pass(openMs());
  assert.equal(breaker.told(null, at, at + 5), null);
  assert.ok(!breaker.closed && breaker.openAt <= at);
});

test('what may have mended the endpoint lets a request ask at once; a closed one is not touched', () => {
  const { breaker, now, attempt } = opened();
  breaker.tryNow(now());
  assert.equal(breaker.openAt, now());
  assert.equal(attempt('works'), 'closed');
  breaker.tryNow(now());
  assert.equal(breaker.openAt, -Infinity);
});

test('rows and first attempts ask in turn', () => {
  const { breaker, attempt, pass, openMs } = opened();
  for (const expected of [false, true, false, true]) {
    assert.equal(breaker.firstAsks, expected);
    pass(openMs());
    attempt('fails');
  }
  pass(openMs());
  attempt('works');
  assert.equal(breaker.firstAsks, false);
});

test('made half-open, one request decides', () => {
  for (const [sign, move] of [
    ['works', 'closed'],
    ['fails', 'reopened'],
  ] as const) {
    const { breaker, attempt, openMs } = setUp(createHalfOpenBreaker(noJitter, 1_000_000));
    assert.ok(!breaker.closed && breaker.openAt === 1_000_000);
    assert.equal(attempt(sign), move);
    if (sign === 'fails') assert.equal(openMs(), 30 * second);
  }
});

test('its time is never shorter than told, and longer by a random part', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (fraction) => {
      const { times, openMs } = setUp(createBreaker(() => fraction));
      times(10, 'fails');
      const extra = openMs() / limits.breakerOpenMinMs - 1;
      assert.ok(extra >= 0 && extra <= limits.breakerJitterFraction);
      assert.ok(Math.abs(extra - fraction * limits.breakerJitterFraction) < 1e-6);
    }),
  );
});

test('an endpoint that is up for ten seconds and down for ten makes it open at most six times an hour in the end', () => {
  const { breaker, attempt, pass, now } = setUp(createBreaker(() => 0.5));
  const times: number[] = [];
  while (now() < 1_000_000 + 4 * 3_600 * second) {
    pass(200);
    if (breaker.openAt > now()) continue;
    if (attempt(Math.floor(now() / 10_000) % 2 === 0 ? 'works' : 'fails') === 'opened') times.push(now());
  }
  const mostInAnHour = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 3.6e6).length));
  assert.ok(mostInAnHour <= 6, `${mostInAnHour}`);
  assert.ok(times.length >= 4);
});

test('while most attempts fail, six retries start in a minute without first attempts, and a fifth of many', () => {
  const { breaker, attempt, pass, now } = setUp();
  for (let i = 0; i < 6; i += 1) {
    assert.equal(breaker.retriesFrom, -Infinity, `retry ${i}`);
    attempt('fails', { retry: true });
  }
  const { retriesFrom } = breaker;
  assert.ok(retriesFrom > now() && retriesFrom <= now() + 60 * second);
  pass(retriesFrom - now());
  attempt('works', { retry: true });
  assert.equal(breaker.retriesFrom, -Infinity);
  const many = setUp();
  let retries = 0;
  for (let i = 0; i < 200; i += 1) {
    // Never ten in a row, and never twenty in a minute of which half failed: they have not ended yet.
    many.breaker.started(false, many.pass(1));
    if (i === 0) many.breaker.told('fails', many.now(), many.now());
    while (many.breaker.retriesFrom <= many.now()) {
      many.breaker.started(true, many.pass(1));
      retries += 1;
    }
  }
  assert.equal(retries, 40);
});

test('retries of an endpoint that mostly works are not bounded, nor is one delivery that is retried now and then', () => {
  const well = setUp();
  for (let i = 0; i < 100; i += 1) {
    well.attempt(i % 3 === 0 ? 'fails' : 'works', { retry: true });
    if (i > 2) assert.equal(well.breaker.retriesFrom, -Infinity);
  }
  const seldom = setUp();
  for (let i = 0; i < 9; i += 1) {
    seldom.attempt('fails', { retry: i > 0 });
    assert.ok(seldom.breaker.retriesFrom <= seldom.pass(11 * second));
  }
});

test('nothing is lost with it when its failures are a minute old, and none of its times is remembered', () => {
  const failed = setUp();
  failed.attempt('fails');
  assert.equal(failed.breaker.restedAt, failed.now() + 60 * second);
  const { breaker, attempt, pass, openMs, now } = opened();
  assert.equal(breaker.restedAt, breaker.openAt + limits.breakerKeptMs);
  pass(openMs());
  attempt('works');
  assert.equal(breaker.restedAt, now() + limits.breakerKeptMs);
});
