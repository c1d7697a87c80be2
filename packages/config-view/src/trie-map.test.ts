import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createTrieMap } from './trie-map.ts';

const KEYS = 250;

test('behaves as a Map, and every frozen state stays as it was', () => {
  // Enough keys that leaves are split, some of them twice, and that branches lose all that they have.
  const step = fc.record({ key: fc.nat(KEYS).map(String), value: fc.option(fc.nat()), freeze: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const model = new Map<string, number>();
      const map = createTrieMap<number>();
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
        for (let key = 0; key <= KEYS; key += 1) assert.equal(one.get(String(key)), then.get(String(key)));
        assert.deepEqual([...one.values()].toSorted(ascending), [...then.values()].toSorted(ascending));
      }
    }),
  );
});

test('freezing twice without a change gives the same object', () => {
  const map = createTrieMap<number>();
  map.set('a', 1);
  const frozen = map.freeze();
  map.delete('absent');
  assert.equal(map.freeze(), frozen);
});

test('keys of one hash are told apart', () => {
  // Known pairs of FNV-1a with 32 bits.
  const alike = ['costarring', 'liquid', 'declinate', 'macallums', 'altarage', 'zinke'];
  const map = createTrieMap<string>();
  const others = Array.from({ length: 2_000 }, (_, index) => `other ${index}`);
  for (const key of [...alike, ...others]) map.set(key, key);
  assert.ok([...alike, ...others].every((key) => map.get(key) === key));
  map.delete('liquid');
  assert.deepEqual([map.get('costarring'), map.get('liquid'), map.size], ['costarring', undefined, 2_005]);
});

function ascending(a: number, b: number): number {
  return a - b;
}
