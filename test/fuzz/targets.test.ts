import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mulberry32 } from '../simulation/mulberry32.ts';
import { targets } from './targets.ts';

const inputs = 5_000;

for (const [name, target] of Object.entries(targets)) {
  test(`${name}: what was found before, and ${inputs} inputs of one seed, break nothing`, () => {
    for (const input of target.found) target.check(input);
    const random = mulberry32(1);
    const seen = new Set<string>();
    for (let index = 0; index < inputs; index++) {
      const input = target.next(random);
      seen.add(input);
      target.check(input);
    }
    assert.ok(seen.size > inputs / 2, `only ${seen.size} different inputs`);
  });
}
