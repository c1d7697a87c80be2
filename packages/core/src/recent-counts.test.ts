import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRecentCounts } from './recent-counts.ts';

const periodMs = 60;
const bucketMs = 10;

test('what happened counts for five sixths of the period at least, and not beyond it; kinds are counted apart', () => {
  const steps = fc.array(fc.record({ kind: fc.nat(2), after: fc.nat(80) }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.nat(1_000), steps, (start, happened) => {
      const recent = createRecentCounts(3, periodMs);
      const past: { kind: number; at: number }[] = [];
      let now = start;
      for (const { kind, after } of happened) {
        now += after;
        recent.add(kind, now);
        past.push({ kind, at: now });
        for (const one of [0, 1, 2]) {
          const since = (ms: number): number => past.filter((p) => p.kind === one && p.at > now - ms).length;
          const count = recent.of(one, now);
          assert.ok(count >= since(periodMs - bucketMs) && count <= since(periodMs), `${count} at ${now}`);
        }
      }
    }),
  );
});

test('when the oldest does not count any more is told exactly', () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.array(fc.nat(30), { minLength: 1, maxLength: 10 }), (start, gaps) => {
      const recent = createRecentCounts(1, periodMs);
      let now = start;
      for (const gap of gaps) recent.add(0, (now += gap));
      const before = recent.of(0, now);
      const lessAt = recent.lessAt(0, now);
      assert.equal(recent.of(0, lessAt - 0.5), before);
      assert.ok(recent.of(0, lessAt) < before);
    }),
  );
  const none = createRecentCounts(1, periodMs);
  assert.equal(none.lessAt(0, 5), 5);
});

test('cleared, nothing counts', () => {
  const recent = createRecentCounts(2, periodMs);
  recent.add(1, 5);
  recent.clear();
  assert.equal(recent.of(1, 5), 0);
});
