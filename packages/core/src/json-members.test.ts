import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EventFaultError } from './event-rules.ts';
import { JSON_DEPTH_MAX, jsonMembers, parseJson } from './json-members.ts';

const space = fc.constantFrom('', ' ', '\n', '\t \r\n');
/** JSON text with white space, escapes and repeated keys wherever the grammar allows them. */
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('null', 'true', '-0', '1e400', '9007199254740993', '1.10', '"\\ud800"', '"\\"}],{["', '"\\\\"'),
    fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
    fc
      .tuple(space, fc.array(tie('json'), { maxLength: 3 }), space)
      .map(([a, list, b]) => `[${a}${list.join(`${b},${a}`)}${b}]`),
    fc
      .tuple(
        space,
        fc.array(
          fc.tuple(
            fc.string().map((name) => JSON.stringify(name)),
            tie('json'),
          ),
          { maxLength: 3 },
        ),
        space,
      )
      .map(([a, list, b]) => `{${a}${list.map(([name, value]) => `${name}${b}:${a}${value}`).join(`${b},${a}`)}${b}}`),
  ),
}));

test('a member is cut out of the source exactly as it stands there', () => {
  const member = fc.tuple(fc.string({ unit: 'grapheme' }), json, space, space);
  fc.assert(
    fc.property(fc.array(member, { maxLength: 5 }), space, (members, outer) => {
      const inner = members.map(([name, value, a, b]) => `${a}${JSON.stringify(name)}${b}:${a}${value}${b}`).join(',');
      const source = Buffer.from(`${outer}{${members.length === 0 ? outer : ''}${inner}}${outer}`);
      const found = jsonMembers(source, 'it');
      assert.deepEqual(
        found.map(({ name, start, end }) => [name, source.toString('utf8', start, end)]),
        members.map(([name, value]) => [name, value]),
      );
    }),
    { numRuns: 500 },
  );
});

test('names are compared as decoded, and members come with their values', () => {
  const found = jsonMembers(Buffer.from('{"\\u0069d":"x","id":1,"n":null,"o":{"a":1},"l":[1]}'), 'it');
  assert.deepEqual(
    found.map(({ name, value }) => [name, value]),
    [
      ['id', 1],
      ['id', 1],
      ['n', null],
      ['o', { a: 1 }],
      ['l', [1]],
    ],
  );
});

test('what is no JSON object, or nested too deep, is refused without an overflow', () => {
  const bad = [
    '',
    '{"a":',
    '{"a":1,}',
    '{"a":NaN}',
    '\ufeff{}',
    '[1]',
    '"text"',
    'null',
    '1',
    "{'a':1}",
    '{"a":1}{',
    `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  ];
  for (const text of [...bad.map((one) => Buffer.from(one)), Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]) {
    assert.throws(() => jsonMembers(text, 'it'), EventFaultError, text.toString('latin1', 0, 20));
  }
  const deep = `${'['.repeat(JSON_DEPTH_MAX)}${']'.repeat(JSON_DEPTH_MAX)}`;
  assert.ok(Array.isArray(parseJson(Buffer.from(deep), 'it')));
  assert.throws(() => parseJson(Buffer.from(`[${deep}]`), 'it'), EventFaultError);
});

test('any bytes are either JSON or refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        json.map((text) => Buffer.from(text)),
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        try {
          jsonMembers(bytes, 'it');
        } catch (error) {
          assert.ok(error instanceof EventFaultError, String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});
