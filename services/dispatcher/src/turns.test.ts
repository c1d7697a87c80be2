import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createTurns } from './turns.ts';

test('of tenants that all wait none is served twice before each of the others, whatever they have waiting', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }), (counts) => {
      const turns = createTurns<{ readonly tenant: string; readonly at: number }>();
      for (const [index, count] of counts.entries())
        for (let at = 0; at < count; at += 1) turns.push({ tenant: `t${index}`, at });
      const served = counts.map(() => 0);
      for (let left = turns.size; left > 0; left -= 1) {
        const item = turns.shift();
        assert.ok(item !== undefined);
        const index = Number(item.tenant.slice(1));
        assert.equal(item.at, served[index], 'a tenant is served in order');
        served[index] = item.at + 1;
        const waiting = served.filter((count, one) => count < (counts[one] ?? 0) || one === index);
        assert.ok(Math.max(...waiting) - Math.min(...waiting) <= 1, served.join());
      }
      assert.deepEqual([served, turns.size, turns.shift()], [counts, 0, undefined]);
    }),
  );
});
