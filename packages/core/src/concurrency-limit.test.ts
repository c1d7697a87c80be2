import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createConcurrencyLimit, type ConcurrencyLimit } from './concurrency-limit.ts';
import { limits } from './limits.ts';

/** One round: as many requests as there may be, which all succeed. */
function round(limit: ConcurrencyLimit, now = 100): void {
  for (let left = limit.value, inFlight = left; left > 0; left -= 1) {
    limit.succeeded(inFlight, now, now);
    // The next one takes the place of what ended, and of what may be in flight more than before.
    inFlight = limit.value;
  }
}

/** The limit after each of so many rounds. */
const rounds = (limit: ConcurrencyLimit, count: number): number[] =>
  Array.from({ length: count }, () => (round(limit), limit.value));

test('it begins with one request, doubles with each round that succeeds, and stops at the cap', () => {
  const limit = createConcurrencyLimit(16, 1);
  assert.equal(limit.value, 1);
  assert.deepEqual(rounds(limit, 6), [2, 4, 8, 16, 16, 16]);
});

test('an endpoint that cannot take so many gets half, and from there one more a round', () => {
  const limit = createConcurrencyLimit(16, 1);
  rounds(limit, 4);
  limit.lowered(1, 2);
  assert.equal(limit.value, 8);
  for (const [index, value] of rounds(limit, 4).entries()) assert.ok(Math.abs(value - (9 + index)) <= 1, `${value}`);
});

test('whatever was in flight when it was lowered lowers it no further, what was started since does', () => {
  const limit = createConcurrencyLimit(16, 1);
  rounds(limit, 4);
  for (let i = 0; i < 16; i += 1) limit.lowered(10, 20);
  assert.equal(limit.value, 8);
  limit.lowered(20, 40);
  assert.equal(limit.value, 4);
});

test('successes of fewer requests than there may be prove nothing', () => {
  const limit = createConcurrencyLimit(16, 1);
  for (let i = 0; i < 100; i += 1) limit.succeeded(1, 0, 0);
  assert.equal(limit.value, 2);
});

test('after a pause it begins anew, doubles up to where it was steady, and not beyond', () => {
  const limit = createConcurrencyLimit(64, 1);
  rounds(limit, 5);
  limit.lowered(0, 1);
  limit.restart(2);
  assert.equal(limit.value, 1);
  for (let i = 0; i < 32; i += 1) limit.succeeded(32 - i, 0, 3);
  assert.equal(limit.value, 1, 'by what was in flight');
  const [a, b, c, d, e, f] = rounds(limit, 6);
  assert.deepEqual([a, b, c, d], [2, 4, 8, 16]);
  assert.ok((e as number) <= 18 && (f as number) <= 19, `${e} ${f}`);
});

test('a pause raises no limit that was lowered below its start', () => {
  const limit = createConcurrencyLimit(16, 8);
  limit.lowered(0, 1);
  limit.lowered(2, 3);
  limit.restart(4);
  assert.equal(limit.value, 2);
});

test('a cap that changes holds at once, and what was learnt above it comes back with it', () => {
  const limit = createConcurrencyLimit(16, 1);
  rounds(limit, 4);
  limit.setCap(3);
  assert.equal(limit.value, 3);
  limit.setCap(1);
  assert.equal(limit.value, 1);
  limit.setCap(16);
  assert.equal(limit.value, 16);
});

test('it is forgotten when it is no more than one success brings, or was not in use for long', () => {
  const limit = createConcurrencyLimit(16, 1);
  assert.ok(limit.restedAt <= 0);
  limit.succeeded(1, 5, 5);
  assert.ok(limit.restedAt <= 5);
  limit.succeeded(2, 6, 7);
  assert.equal(limit.restedAt, 7 + limits.laneConcurrencyKeptMs);
});

test('whatever happens, it stays between one and its cap, and never grows by more than one a success', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('succeeded' as const), inFlight: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ kind: fc.constant('lowered' as const), ago: fc.integer({ min: 0, max: 50 }) }),
    fc.record({ kind: fc.constant('restart' as const) }),
    fc.record({ kind: fc.constant('cap' as const), cap: fc.integer({ min: 1, max: 256 }) }),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 256 }),
      fc.integer({ min: 1, max: 256 }),
      fc.array(event),
      (cap, start, all) => {
        const limit = createConcurrencyLimit(cap, start);
        let now = 0;
        let most = cap;
        for (const one of all) {
          now += 7;
          const before = limit.value;
          if (one.kind === 'succeeded') limit.succeeded(one.inFlight, now, now);
          if (one.kind === 'lowered') limit.lowered(now - one.ago, now);
          if (one.kind === 'restart') limit.restart(now);
          if (one.kind === 'cap') limit.setCap((most = one.cap));
          assert.ok(Number.isInteger(limit.value) && limit.value >= 1 && limit.value <= most);
          if (one.kind === 'succeeded') assert.ok(limit.value === before || limit.value === before + 1);
          if (one.kind === 'lowered' || one.kind === 'restart') assert.ok(limit.value <= before);
        }
      },
    ),
  );
});
