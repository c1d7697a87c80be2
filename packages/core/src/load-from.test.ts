import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from './limits.ts';
import { createLoadFrom } from './load-from.ts';

const life = limits.lateWriteMs;

test('an end counts when a later one, asked for when nothing can be late any more, is read', () => {
  const from = createLoadFrom(0);
  assert.equal(from.wantsEnd(0), true);
  from.endIs(100_000, 0);
  from.read(150_000);
  assert.equal(from.wantsEnd(10), false);
  assert.equal(from.wantsEnd(life + 9), false);
  assert.equal(from.wantsEnd(life + 10), true);
  from.endIs(200_000, life + 10);
  assert.equal(from.offset, 0, 'what landed until then is not read');
  from.read(199_999);
  assert.equal(from.offset, 0);
  from.read(200_000);
  assert.equal(from.offset, 100_000);
  assert.equal(from.wantsEnd(life + 20), false);
  assert.equal(from.wantsEnd(2 * life + 20), true);
  from.endIs(300_000, 2 * life + 20);
  from.read(300_000);
  assert.equal(from.offset, 200_000);
});

test('of a tier that nothing is written to the end is not asked for again, until something is', () => {
  const from = createLoadFrom(100_000);
  from.endIs(100_000, 0);
  from.read(100_000);
  assert.equal(from.wantsEnd(10), false);
  assert.equal(from.wantsEnd(5 * life), false);
  from.read(100_001);
  assert.equal(from.wantsEnd(5 * life), true);
  from.endIs(200_000, 5 * life);
  from.read(200_000);
  assert.equal(from.wantsEnd(5 * life), false);
  assert.equal(from.wantsEnd(6 * life), true);
  from.endIs(200_000, 6 * life);
  assert.equal(from.offset, 200_000);
  assert.equal(from.wantsEnd(9 * life), false);
});

test('an end that was asked for too early confirms nothing', () => {
  const from = createLoadFrom(0);
  from.read(1_000_000);
  from.endIs(100_000, 0);
  from.wantsEnd(10);
  from.endIs(200_000, life + 9);
  assert.equal(from.offset, 0);
});

test('what was written before an end was noted may land once more until it is acknowledged: its time begins then', () => {
  const from = createLoadFrom(0);
  from.endIs(100_000, 0);
  from.wantsEnd(0);
  const first = from.handedOver();
  from.endIs(150_000, life);
  from.read(1_000_000);
  assert.equal(from.wantsEnd(5 * life), false);
  from.endIs(160_000, 5 * life);
  from.settled(first);
  assert.equal(from.offset, 100_000);
  assert.equal(from.wantsEnd(6 * life), false);
  from.endIs(170_000, 6 * life);
  assert.equal(from.offset, 100_000);
  assert.equal(from.wantsEnd(7 * life), true);
  from.endIs(200_000, 7 * life);
  assert.equal(from.offset, 150_000);
});

test('an end does not count before all that was written until the second was read is acknowledged', () => {
  const from = createLoadFrom(0);
  from.endIs(100_000, 0);
  from.wantsEnd(0);
  const answer = from.handedOver();
  from.endIs(200_000, life);
  const another = from.handedOver();
  from.read(200_000);
  const later = from.handedOver();
  from.settled(answer);
  assert.equal(from.offset, 0);
  // While it waits no other end is asked for.
  assert.equal(from.wantsEnd(5 * life), false);
  from.settled(another);
  assert.equal(from.offset, 100_000);
  from.settled(later);
});

test('the oldest row holds it, to the stretch of offsets that the row stands in', () => {
  const from = createLoadFrom(0);
  from.stands(70_000);
  from.stands(70_001);
  from.stands(90_000);
  from.endIs(100_000, 0);
  from.wantsEnd(0);
  from.endIs(100_000, life);
  from.read(100_000);
  assert.ok(from.offset <= 70_000 && from.offset > 68_000, `${from.offset}`);
  from.overruled(70_000);
  assert.ok(from.offset <= 70_001);
  from.overruled(70_001);
  assert.ok(from.offset <= 90_000 && from.offset > 88_000, `${from.offset}`);
  from.overruled(90_000);
  assert.equal(from.offset, 100_000);
});

test('it never falls below what was adopted', () => {
  const from = createLoadFrom(50_000);
  from.stands(50_100);
  assert.equal(from.offset, 50_000);
  from.endIs(60_000, 0);
  from.wantsEnd(0);
  from.endIs(70_000, life);
  from.read(70_000);
  assert.equal(from.offset, 50_000);
});

test('no row ever stands below it, and without rows nothing holds it', () => {
  const steps = fc.array(fc.record({ add: fc.boolean(), pick: fc.nat(1_000), gap: fc.nat(5_000) }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (all) => {
      const from = createLoadFrom(0);
      const rows: number[] = [];
      let end = 0;
      let now = 0;
      for (const { add, pick, gap } of all) {
        end += gap + 1;
        if (add) {
          from.stands(end - 1);
          rows.push(end - 1);
        } else if (rows.length > 0) from.overruled(rows.splice(pick % rows.length, 1)[0] as number);
        from.wantsEnd(now);
        now += life;
        from.endIs(end, now);
        from.read(end);
        assert.ok(from.offset <= Math.min(end, ...rows));
      }
      for (const row of rows) from.overruled(row);
      from.wantsEnd(now);
      from.endIs(end, now + life);
      from.read(end);
      assert.equal(from.offset, end);
    }),
  );
});
