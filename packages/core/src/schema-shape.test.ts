import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from './limits.ts';
import { schemaShapeProblems } from './schema-shape.ts';

const problems = (schema: unknown): string[] =>
  schemaShapeProblems(schema).map(({ field, description }) => `${field} ${description}`);

test('a schema with definitions, references, conditions and own keywords is taken', () => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://acme.dev/order',
    type: 'object',
    properties: {
      total: { $ref: '#/$defs/money' },
      net: { $ref: '#/$defs/money' },
      $ref: { type: 'string' },
      $id: { type: 'string' },
      lines: { type: 'array', maxItems: 10, uniqueItems: true, items: { $ref: '#/$defs/a~1b' } },
    },
    required: ['total'],
    if: { properties: { kind: { const: { $ref: 'of the data' } } } },
    else: true,
    'x-owner': { uniqueItems: 'anything' },
    $defs: { money: { type: 'integer', minimum: 0 }, 'a/b': false },
  };
  assert.deepEqual(problems(schema), []);
  assert.deepEqual(problems(true), []);
});

test('what could take long whatever the data is refused, and named by its place', () => {
  const deep = Object.fromEntries(
    Array.from({ length: 30 }, (_, n) => [
      `d${n}`,
      { anyOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
    ]),
  );
  const rows: readonly (readonly [unknown, RegExp])[] = [
    [{ $ref: '#/$defs/d0', $defs: { ...deep, d30: {} } }, /more than 2000 parts/],
    [
      { properties: Object.fromEntries(Array.from({ length: limits.schemaPartsMax }, (_, n) => [n, {}])) },
      /# has more than/,
    ],
    [{ $ref: '#' }, /^# leads back to itself/],
    [{ items: { anyOf: [{ $ref: '#/items' }] } }, /#\/items leads back/],
    [{ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }, /leads back/],
    [{ $ref: 'https://elsewhere.dev/schema' }, /#\/\$ref must lead to a schema within/],
    [{ $ref: '#/$defs/none' }, /within this one/],
    [{ $ref: '#/%24defs/a', $defs: { a: {} } }, /within this one/],
    [{ $ref: '#/title', title: 'a text' }, /within this one/],
    [
      { $ref: '#/x-more/a', 'x-more': { a: { items: { uniqueItems: true } } } },
      /#\/x-more\/a\/items\/uniqueItems needs/,
    ],
    [{ $dynamicRef: '#a' }, /\$dynamicRef is no keyword/],
    [{ properties: { a: { $anchor: 'x' } } }, /#\/properties\/a\/\$anchor is no keyword/],
    [{ properties: { a: { $id: 'https://elsewhere.dev' } } }, /\$id is no keyword/],
    [{ $ref: '#/x-a/b', 'x-a': { $id: 'a', b: { $ref: '#/c' } }, c: true }, /#\/x-a\/\$id may stand at the root alone/],
    [{ const: { $id: '#/$defs/a' } }, /#\/const\/\$id may stand/],
    [{ propertes: {} }, /propertes is no keyword/],
    [{ $schema: 'http://json-schema.org/draft-07/schema#' }, /must be https:.*2020-12/],
    [{ uniqueItems: true }, /needs maxItems of at most 256/],
    [{ uniqueItems: true, maxItems: 257 }, /needs maxItems/],
    [{ enum: Array.from({ length: limits.schemaEnumMax + 1 }, (_, n) => n) }, /has 501 values/],
    [{ pattern: 'a'.repeat(limits.schemaPatternMax + 1) }, /#\/pattern must be a text of at most 500/],
    [{ patternProperties: { ['a'.repeat(501)]: {} } }, /patternProperties must be/],
    [{ pattern: 7 }, /#\/pattern must be a text/],
    [{ $defs: { unused: { uniqueItems: true } } }, /#\/\$defs\/unused\/uniqueItems/],
    [JSON.parse('{"properties":{"__proto__":{}}}'), /cannot be described/],
    [{ items: [{}] }, /#\/items must be an object or a boolean/],
    [[], /^# must be/],
    [null, /^# must be/],
    ['text', /^# must be/],
  ];
  for (const [schema, wanted] of rows)
    assert.match(problems(schema).join('\n'), wanted, JSON.stringify(schema)?.slice(0, 100));
});
