import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { manualClock } from '../testing/manual-clock.ts';
import { createDeadlines, type Watched } from './deadlines.ts';

function watched(checkAt: (now: number) => void): Watched {
  return { checkAt, place: null, previous: null, next: null, due: Infinity };
}

test('every deadline is met, never early and at most one tick late, and forgotten ones never', () => {
  const entry = fc.record({ due: fc.nat(5_000), setAt: fc.nat(2_000), forget: fc.boolean() });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 40 }), (entries) => {
      const manual = manualClock();
      const deadlines = createDeadlines(manual.clock);
      const base = manual.clock.monotonic();
      const met = new Map<number, number>();
      const all = entries.map((_, index) =>
        watched((now) => {
          assert.ok(!met.has(index));
          met.set(index, now - base);
        }),
      );
      for (let time = 0; time <= 2_000; time += 10) {
        for (const [index, { setAt, due, forget }] of entries.entries()) {
          if (Math.floor(setAt / 10) * 10 !== time) continue;
          deadlines.watch(all[index] as Watched, base + time + due);
          if (forget) deadlines.forget(all[index] as Watched);
        }
        manual.advance(10);
      }
      manual.advance(6_000);
      for (const [index, { setAt, due, forget }] of entries.entries()) {
        const wanted = Math.floor(setAt / 10) * 10 + due;
        const at = met.get(index);
        if (forget) assert.equal(at, undefined);
        else assert.ok(at !== undefined && at >= wanted && at <= wanted + 45, `wanted ${wanted}, was ${at}`);
      }
      assert.equal(manual.armed(), 0);
    }),
    { numRuns: 200 },
  );
});

test('a stall of any length misses nothing', () => {
  const manual = manualClock();
  const deadlines = createDeadlines(manual.clock);
  let calls = 0;
  for (let due = 0; due < 3_000; due += 7)
    deadlines.watch(
      watched(() => calls++),
      manual.clock.monotonic() + due,
    );
  manual.advance(60_000, true);
  assert.equal(calls, Math.ceil(3_000 / 7));
});

test('what is forgotten by one that is due at the same time is not called', () => {
  const manual = manualClock();
  const deadlines = createDeadlines(manual.clock);
  const calls: string[] = [];
  const due = manual.clock.monotonic() + 100;
  const pair = [
    watched(() => {
      calls.push('a');
      deadlines.forget(pair[1] as Watched);
    }),
    watched(() => {
      calls.push('b');
      deadlines.forget(pair[0] as Watched);
    }),
  ];
  for (const one of pair) deadlines.watch(one, due);
  manual.advance(200);
  assert.equal(calls.length, 1);
  assert.equal(manual.armed(), 0);
});

test('set again from its own check, and set to an earlier time', () => {
  const manual = manualClock();
  const deadlines = createDeadlines(manual.clock);
  const base = manual.clock.monotonic();
  const at: number[] = [];
  const one = watched((now) => {
    at.push(now - base);
    if (at.length < 3) deadlines.watch(one, now + 100);
  });
  deadlines.watch(one, base + 5_000);
  deadlines.watch(one, base + 50);
  manual.advance(10_000);
  assert.equal(at.length, 3);
  assert.ok((at[0] ?? 0) <= 80, String(at));
});

test('hundreds that are due together end in turns that hold up nothing else, and all of them soon', () => {
  const manual = manualClock();
  let worked = 0;
  const clock = { ...manual.clock, monotonic: () => manual.clock.monotonic() + worked };
  const deadlines = createDeadlines(clock);
  const due = clock.monotonic() + 100;
  let over = 0;
  for (let count = 0; count < 300; count += 1)
    deadlines.watch(
      watched(() => {
        over += 1;
        worked += 0.2;
      }),
      due,
    );
  let turns = 0;
  for (let before = 0; over < 300; before = over) {
    manual.advance(1);
    if (over === before) continue;
    turns += 1;
    assert.ok(over - before <= 35, `${over - before} in one turn`);
  }
  assert.ok(turns <= 12 && clock.monotonic() < due + 400, `${turns} turns, ${clock.monotonic() - due} ms late`);
});

test('when more is due than turns have time for, who has waited longest is next', () => {
  const manual = manualClock();
  let worked = 0;
  const clock = { ...manual.clock, monotonic: () => manual.clock.monotonic() + worked };
  const deadlines = createDeadlines(clock);
  const due: number[] = [];
  for (let at = clock.monotonic(); due.length < 400; at += 10)
    for (let count = 0; count < 4; count += 1) {
      const own = at + 100;
      due.push(own);
      deadlines.watch(
        watched(() => {
          met.push(own);
          worked += 1;
        }),
        own,
      );
    }
  const met: number[] = [];
  while (met.length < 400) manual.advance(5);
  const behind = met.map((own, index) => Math.max(0, ...met.slice(0, index)) - own);
  assert.ok(Math.max(...behind) <= 40, `one was passed by such as were due ${Math.max(...behind)} ms later`);
});
