import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scheduleNames } from '../schedules.ts';
import { plantsOf, rules } from './index.ts';

const root = join(import.meta.dirname, '../../..');

test('the text of every plant stands exactly once in its file, and becomes another', () => {
  for (const { name, plants } of rules) {
    const sources = new Map<string, string>();
    for (const { file, find, replace } of plants) {
      const source = sources.get(file) ?? readFileSync(join(root, file), 'utf8');
      assert.equal(source.split(find).length - 1, 1, `${name}: ${find} in ${file}`);
      assert.notEqual(find, replace, name);
      sources.set(
        file,
        source.replace(find, () => replace),
      );
    }
  }
});

test('every rule has one name, and every schedule that a rule names is there', () => {
  assert.equal(new Set(rules.map(({ name }) => name)).size, rules.length);
  const known = new Set(scheduleNames().map(({ name }) => name));
  for (const { name, schedule } of rules)
    assert.ok(schedule === undefined || known.has(schedule), `${name}: ${schedule}`);
  assert.throws(() => plantsOf('nothing'), /no rule nothing/);
});
