import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createShardMap } from './shard-map.ts';

test('behaves as a Map, and every frozen state stays as it was', () => {
  const step = fc.record({ key: fc.nat(30).map(String), value: fc.option(fc.nat()), freeze: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const model = new Map<string, number>();
      const map = createShardMap<number>();
      const frozen: [ReturnType<typeof map.freeze>, Map<string, number>][] = [];
      for (const { key, value, freeze } of steps) {
        if (value === null) {
          model.delete(key);
          map.delete(key);
        } else {
          model.set(key, value);
          map.set(key, value);
        }
        if (freeze) frozen.push([map.freeze(), new Map(model)]);
        assert.equal(map.size, model.size);
        assert.equal(map.get(key), model.get(key));
      }
      for (const [one, then] of frozen) {
        assert.equal(one.size, then.size);
        for (let key = 0; key <= 30; key += 1) assert.equal(one.get(String(key)), then.get(String(key)));
        assert.deepEqual([...one.values()].toSorted(ascending), [...then.values()].toSorted(ascending));
      }
    }),
  );
});

test('freezing twice without a change gives the same object', () => {
  const map = createShardMap<number>();
  map.set('a', 1);
  const frozen = map.freeze();
  map.delete('absent');
  assert.equal(map.freeze(), frozen);
});

function ascending(a: number, b: number): number {
  return a - b;
}
