import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPostriderError } from './errors.ts';
import { limits } from './limits.ts';
import { parseListFilter } from './list-filter.ts';
import { compileListFilter } from './match-list-filter.ts';
import type { FilterFields } from './match-list-filter.ts';

interface Item {
  readonly name: string;
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly types: readonly string[];
  readonly time: Date | undefined;
  readonly held: boolean;
}

const fields: FilterFields<Item> = {
  name: { kind: 'text', of: ({ name }) => name },
  state: { kind: 'enum', of: ({ state }) => state, values: ['STATE_ON', 'STATE_OFF'], prefix: 'STATE_' },
  labels: { kind: 'map', of: ({ labels }) => labels },
  types: { kind: 'texts', of: ({ types }) => types },
  time: { kind: 'time', of: ({ time }) => time },
  held: { kind: 'flag', of: ({ held }) => held },
};
const item: Item = {
  name: 'hooks.example.com "x"',
  state: 'STATE_OFF',
  labels: { team: 'a.b', empty: '' },
  types: ['order.paid', 'order.*'],
  time: new Date('2026-11-22T08:00:00Z'),
  held: false,
};

/** What a refusal says; undefined: it is none. */
function refusal(filter: string): string | undefined {
  try {
    compileListFilter(filter, fields);
    return undefined;
  } catch (error) {
    assert.ok(isPostriderError(error, 'invalid_argument'), String(error));
    assert.deepEqual(
      error.violations.map(({ field }) => field),
      ['filter'],
    );
    return error.violations[0]?.description;
  }
}

test('each kind of field is compared as the documentation says', () => {
  for (const [filter, wanted] of [
    ['', true],
    [' \t ', true],
    ['state = OFF', true],
    ['state=STATE_OFF', true],
    ['state != OFF', false],
    ['state = ON', false],
    ['name : "example.com"', true],
    ['name:example.org', false],
    ['name = "hooks.example.com \\"x\\""', true],
    ['name = \'hooks.example.com "x"\'', true],
    ['name != hooks', true],
    ['name:*', true],
    ['name:"*"', false],
    ['labels.team = a.b', true],
    ['labels."team" != "a.b"', false],
    ['labels.absent != "a.b"', true],
    ['labels.absent = ""', false],
    ['labels.empty = ""', true],
    ['labels.constructor:*', false],
    ['labels.team:*', true],
    ['labels.team:"a.b"', true],
    ['labels.team:"a"', false],
    ['labels:team', true],
    ['labels:toString', false],
    ['labels:*', true],
    ['types:order.paid', true],
    ['types:"order.*"', true],
    ['types:order', false],
    ['types:*', true],
    ['time > "2026-11-22T07:59:59.999Z"', true],
    ['time >= 2026-11-22T08:00:00Z', true],
    ['time < "2026-11-22T09:00:00+01:00"', false],
    ['time = "2026-11-22T09:00:00+01:00"', true],
    ['time:*', true],
    ['held = false', true],
    ['held != false', false],
    ['state = OFF AND labels.team:* AND time < 2027-01-01T00:00:00Z', true],
    ['state = OFF AND labels.nobody:*', false],
  ] as const) {
    assert.equal(compileListFilter(filter, fields)(item), wanted, filter);
  }
  assert.equal(compileListFilter('time < 2027-01-01T00:00:00Z', fields)({ ...item, time: undefined }), false);
});

test('what is not understood is refused, with the place where it stands', () => {
  for (const [filter, wanted] of [
    ['colour = red', /^at character 1: there is no such field; there are name, state, labels/],
    ['__proto__ = a', /^at character 1: there is no such field/],
    ['state = MAYBE', /^at character 9: state is one of ON, OFF/],
    ['state : OFF', /^at character 7: state is compared by = !=/],
    ['state', /^at character 6: one of = != < <= > >= : is missing/],
    ['state = ', /^at character 9: a value/],
    ['name = "a', /^at character 8: a value, or the end of its quotes/],
    ['name = a b', /^at character 10: comparisons are joined by AND/],
    ['name = a OR state = ON', /^at character 10: comparisons are joined by AND/],
    ['name = a AND', /^at character 10: comparisons are joined by AND/],
    ['name = a AND ', /^at character 14: the name of a field is missing/],
    ['name = a and name = b', /^at character 10: comparisons are joined by AND/],
    ['NOT state = ON', /^at character 5: one of/],
    ['(state = ON)', /^at character 1: the name of a field/],
    ['name = a,b', /^at character 9: a value with such a character is put in quotes/],
    ['name.x = a', /^at character 1: name has no keys/],
    ['labels = a', /^at character 8: labels is compared by :/],
    ['labels. = a', /^at character 8: a key is missing/],
    ['labels.team > a', /^at character 13: labels is compared by = != :/],
    ['time > yesterday', /^at character 8: a time is written as/],
    ['time > 2026-13-45T00:00:00Z', /^at character 8: a time is written as/],
    ['time:2026-11-22T08:00:00Z', /^at character 6: time:\* asks/],
    ['held = yes', /^at character 8: held is true or false/],
    [`name = ${'a'.repeat(limits.filterCharsMax)}`, /more than 2000 characters/],
    [Array.from({ length: limits.filterTermsMax + 1 }, () => 'name:a').join(' AND '), /more than 20 comparisons/],
  ] as const) {
    assert.match(refusal(filter) ?? 'taken', wanted, filter);
  }
});

const word = fc.string({ unit: 'binary', maxLength: 20 });

test('any text in quotes comes back as it was', () => {
  const key = word.filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(key, word, (name, value) => {
      const quote = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
      const [term] = parseListFilter(`labels.${quote(name)} = ${quote(value)}`) as readonly {
        key: string;
        value: string;
      }[];
      assert.deepEqual([term?.key, term?.value], [name, value]);
    }),
  );
});

test('whatever is sent is a filter or is refused by its name, within its bounds', () => {
  const part = fc.constantFrom(
    'state',
    'labels',
    '.',
    '=',
    ':',
    '"',
    "'",
    '\\',
    ' ',
    'AND',
    'ON',
    '*',
    '(',
    '-',
    '<',
    'name',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(part, { maxLength: 40 }).map((parts) => parts.join('')),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );
  fc.assert(
    fc.property(text, (filter) => {
      const said = refusal(filter);
      if (said === undefined) return;
      const at = Number(/^at character (\d+): ./.exec(said)?.[1]);
      assert.ok(at >= 1 && at <= filter.length + 1, said);
    }),
    { numRuns: 2_000 },
  );
});

test('a filter of the longest text is read at once, whatever it holds', () => {
  for (const piece of ['"\\', "'", ' ', 'a.', '=', '\\"', 'AND ', '"a" ']) {
    const filter = `name = "${piece.repeat(limits.filterCharsMax)}`.slice(0, limits.filterCharsMax);
    const started = performance.now();
    parseListFilter(filter);
    assert.ok(performance.now() - started < 250, piece);
  }
});
