import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEventSchema } from './event-schema.ts';

function read(schema: unknown) {
  const made = readEventSchema(typeof schema === 'string' ? schema : JSON.stringify(schema), 'schema');
  assert.ok('fits' in made, JSON.stringify(made));
  return made.fits;
}

test('data are held against the schema, and the place of what does not fit is told, not the data', () => {
  const fits = read({
    type: 'object',
    properties: { total: { $ref: '#/$defs/money' } },
    required: ['total'],
    $defs: { money: { type: 'integer', minimum: 0 } },
  });
  assert.equal(fits({ total: 3 }), null);
  assert.equal(fits({ total: -3, card: '4111' }), '/total must be >= 0');
  assert.match(fits({}) ?? '', /^it must have required property 'total'/);
});

test('draft 2020-12 it is: prefixItems, unevaluatedProperties and dependentSchemas are known', () => {
  assert.ok(read({ prefixItems: [{ type: 'string' }], items: false })(['a', 'b']));
  assert.ok(read({ properties: { a: true }, unevaluatedProperties: false })({ b: 1 }));
  assert.ok(read({ dependentSchemas: { a: { required: ['b'] } } })({ a: 1 }));
  assert.equal(read({ format: 'email' })('no mail'), null);
});

test('no pattern takes longer than its text is long', () => {
  const fits = read({ pattern: '^(a+)+$', patternProperties: { '(x+)+y': true } });
  const started = process.cpuUsage();
  assert.ok(fits(`${'a'.repeat(50_000)}!`));
  const { user } = process.cpuUsage(started);
  assert.ok(user < 2_000_000, `${user} µs`);
  assert.equal(read({ pattern: '^\\d{3}\\/\\w+$' })('123/abc'), null);
});

test('what is no schema is refused with what is wrong, and makes no code', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['', /no JSON/],
    ['{', /no JSON/],
    ['[]', /must be an object or a boolean/],
    ['"text"', /must be an object or a boolean/],
    ['null', /must be an object or a boolean/],
    ['{"type":"money"}', /must be equal to one of/],
    ['{"type":7}', /must be/],
    ['{"properties":[]}', /must be object/],
    ['{"required":"a"}', /must be array/],
    ['{"minimum":"1"}', /must be number/],
    ['{"pattern":"(?=a)"}', /cannot be used/],
    ['{"pattern":"("}', /cannot be used/],
    ['{"pattern":"(a)\\\\1"}', /cannot be used/],
    ['{"$ref":"#/$defs/a","$defs":{}}', /within this one/],
    [`{"title":"${'x'.repeat(70_000)}"}`, /bytes; at most 65536/],
    [`${'{"not":'.repeat(70)}true${'}'.repeat(70)}`, /nested deeper than 64/],
    ['{"title":"\\ud800"}', /^$/],
  ];
  for (const [text, wanted] of rows) {
    const made = readEventSchema(text, 'event_type.schema');
    const told =
      'violations' in made ? made.violations.map(({ field, description }) => `${field} ${description}`) : [''];
    assert.match(told.join('\n'), wanted, text.slice(0, 60));
  }
});

test('no schema hides one that leads back to itself behind an $id of its own', () => {
  const hidden = { $id: 'https://acme.dev/hidden', a: { $ref: '#/x-b' }, 'x-b': { allOf: [{ $ref: '#/a' }] } };
  const made = readEventSchema(JSON.stringify({ $ref: '#/x-hidden/a', 'x-hidden': hidden, 'x-b': true }), 'schema');
  assert.ok('violations' in made, 'it is refused');
  assert.match(JSON.stringify(made.violations), /x-hidden\/\$id may stand at the root alone/);
});

test('two schemas of one $id do not know each other', () => {
  const first = read({ $id: 'https://acme.dev/x', type: 'string' });
  const second = read({ $id: 'https://acme.dev/x', type: 'number' });
  assert.equal(first('a'), null);
  assert.equal(second(1), null);
});
