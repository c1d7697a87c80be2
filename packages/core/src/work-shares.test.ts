import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from './limits.ts';
import { createWorkShares, workKinds, type WorkKind } from './work-shares.ts';

const all = (): boolean => true;
const only =
  (...kinds: WorkKind[]) =>
  (kind: WorkKind): boolean =>
    kinds.includes(kind);

/** Starts what comes next until nothing may. */
function fill(shares: ReturnType<typeof createWorkShares>, waits: (kind: WorkKind) => boolean): void {
  for (let kind = shares.next(waits); kind !== null; kind = shares.next(waits)) shares.started(kind);
}

test('while all wait each has its share', () => {
  const shares = createWorkShares(100);
  fill(shares, only('live', 'retry', 'bulk'));
  assert.deepEqual([shares.of('live'), shares.of('retry'), shares.of('bulk')], [70, 20, 10]);
});

test('whoever is alone has all that may be lent: live work everything, what it waits for leaves room for live work', () => {
  for (const [kind, most] of [
    ['live', 100],
    ['retry', 90],
    ['bulk', 90],
    ['unknown', 50],
    ['unanswered', 25],
  ] as const) {
    const shares = createWorkShares(100);
    fill(shares, only(kind));
    assert.equal(shares.of(kind), most, kind);
  }
});

test('what was lent comes back as requests end, and until then live work has what was left free', () => {
  const shares = createWorkShares(100);
  fill(shares, only('retry'));
  fill(shares, only('retry', 'live'));
  assert.deepEqual([shares.of('retry'), shares.of('live')], [90, 10]);
  for (let i = 0; i < 200; i += 1) {
    const kind = i % 2 === 0 || shares.of('retry') === 0 ? 'live' : 'retry';
    shares.ended(kind);
    fill(shares, only('retry', 'live'));
  }
  assert.ok(shares.of('retry') <= 25 && shares.of('retry') >= 20, `${shares.of('retry')}`);
  assert.equal(shares.inFlight, 100);
});

test('of those that have nothing in flight each starts by its share', () => {
  const shares = createWorkShares(1);
  const starts: Record<WorkKind, number> = { live: 0, retry: 0, bulk: 0, unknown: 0, unanswered: 0 };
  for (let i = 0; i < 1_000; i += 1) {
    const kind = shares.next(only('live', 'retry', 'bulk')) as WorkKind;
    starts[kind] += 1;
    shares.started(kind);
    shares.ended(kind);
  }
  assert.ok(Math.abs(starts.live - 700) < 5 && Math.abs(starts.retry - 200) < 5, JSON.stringify(starts));
});

test('who comes after a while of nothing is not served for what it missed', () => {
  const shares = createWorkShares(1);
  const serve = (waits: (kind: WorkKind) => boolean): WorkKind => {
    const kind = shares.next(waits) as WorkKind;
    shares.started(kind);
    shares.ended(kind);
    return kind;
  };
  for (let i = 0; i < 100; i += 1) serve(only('live'));
  const then = Array.from({ length: 10 }, () => serve(only('live', 'bulk')));
  assert.ok(then.filter((kind) => kind === 'bulk').length <= 2, then.join());
});

test('there is never more in flight than may be, and nothing is idle that live work could use', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.array(fc.tuple(fc.constantFrom(...workKinds), fc.boolean()), { maxLength: 400 }),
      (most, steps) => {
        const shares = createWorkShares(most);
        for (const [kind, starts] of steps) {
          const next = starts ? shares.next(only(kind)) : null;
          if (next !== null) shares.started(next);
          if (!starts && shares.of(kind) > 0) shares.ended(kind);
          assert.ok(shares.inFlight <= most);
          const unanswered = shares.of('unanswered');
          assert.ok(unanswered <= Math.ceil(most * limits.unansweredFraction));
          assert.ok(unanswered + shares.of('unknown') <= Math.ceil(most * limits.unknownFraction));
          assert.equal(shares.next(all) === null, shares.inFlight === most);
        }
      },
    ),
  );
});
