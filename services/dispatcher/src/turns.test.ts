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

interface Item {
  readonly tenant: string;
  readonly name: string;
}
const item = (tenant: string, name = tenant): Item => ({ tenant, name });

test('tenants that are behind come after all others, by turns among themselves, and only if they may', () => {
  const turns = createTurns<Item>();
  const behind = new Set(['a', 'b']);
  const isBehind = (tenant: string): boolean => behind.has(tenant);
  for (const tenant of ['a', 'a', 'b', 'c', 'c']) turns.push(item(tenant, `${tenant}${turns.size}`));
  assert.equal(turns.shift(isBehind, false)?.tenant, 'c');
  assert.equal(turns.shift(isBehind, false)?.tenant, 'c');
  assert.equal(turns.shift(isBehind, false), undefined);
  assert.equal(turns.size, 3);
  assert.equal(turns.shift(isBehind, true)?.tenant, 'b');
  behind.delete('a');
  turns.caughtUp('a');
  turns.push(item('c', 'last'));
  assert.deepEqual([turns.shift(isBehind, false)?.tenant, turns.shift(isBehind, false)?.tenant], ['a', 'c']);
  assert.deepEqual(
    [turns.shift(isBehind, false)?.tenant, turns.shift(isBehind, false), turns.size],
    ['a', undefined, 0],
  );
});

test('who is behind no more without having been told of is served all the same', () => {
  const turns = createTurns<Item>();
  turns.push(item('a'));
  assert.equal(
    turns.shift(() => true, false),
    undefined,
  );
  assert.equal(turns.shift(() => false, false)?.tenant, 'a');
});

test('what was worth more than a turn is paid for by tenant and item, in turns that others have meanwhile', () => {
  const turns = createTurns<Item>();
  const [large, small, other] = [item('a', 'large'), item('a', 'small'), item('b')];
  for (const one of [large, small, other]) turns.push(one);
  const served: string[] = [];
  for (let i = 0; i < 24; i += 1) {
    const one = turns.shift() as Item;
    served.push(one.name);
    turns.push(one);
    if (one === large) turns.spent(one, 3);
  }
  const count = (name: string): number => served.filter((one) => one === name).length;
  assert.ok(count('b') > count('large') + count('small'), served.join());
  assert.ok(count('small') >= 3 * count('large'), served.join());
});

test('whoever waits no more is passed over, and waits once when it comes again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(5), fc.constantFrom('push', 'delete', 'shift')), { maxLength: 200 }),
      (steps) => {
        const items = Array.from({ length: 6 }, (_, index) => item(`t${index % 2}`, `${index}`));
        const turns = createTurns<Item>();
        const waiting = new Set<Item>();
        for (const [index, what] of steps) {
          const one = items[index] as Item;
          if (what === 'push' && !waiting.has(one)) {
            turns.push(one);
            waiting.add(one);
          }
          if (what === 'delete' && waiting.delete(one)) turns.delete(one);
          const next = what === 'shift' ? turns.shift() : undefined;
          if (what === 'shift') assert.equal(next === undefined ? waiting.size === 0 : waiting.delete(next), true);
          assert.equal(turns.size, waiting.size);
        }
      },
    ),
  );
});
