import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expand, missingPaths, missingTests } from './named-paths.ts';

const paths = ['docs/architecture.md', 'services/router/src/main.ts', 'services/router/src/config.ts', 'README.md'];
const missing = (text: string, path = 'docs/architecture.md') =>
  missingPaths([{ path, text }], paths).map(({ problem }) => problem);

test('a path that does not exist is found in code spans, running text, code blocks and links', () => {
  for (const text of [
    'see `services/router/src/gone.ts`',
    'in services/gone/ it stands.',
    '```\nnode services/router/src/gone.ts --flag\n```',
    '[link](gone.md)',
    '[link](../services/gone)',
    '`services/router/src/{main,gone}.ts`',
    '`services/*/src/gone.ts`',
  ]) {
    assert.equal(missing(text).length, 1, text);
  }
});

test('files, folders, lists, patterns and placeholders that hold are not', () => {
  for (const text of [
    '`services/router/src/main.ts`, and services/router/src.',
    '`services/router/`',
    '`services/router/src/{main,config}.ts`',
    '`services/*/src/main.ts` and `services/**/main.ts`',
    '`services/<name>/src/main.ts`, `services/…`',
    '[home](../README.md#start) and [site](https://example.com/docs/x)',
    'a URL https://example.com/docs/gone',
  ]) {
    assert.deepEqual(missing(text), [], text);
  }
});

test('code is not searched, only prose', () => {
  assert.deepEqual(missing('services/gone', 'services/router/src/main.ts'), []);
});

test('braces stand for each of their choices', () => {
  assert.deepEqual(expand('a/{b,c}/{d,e}'), ['a/b/d', 'a/b/e', 'a/c/d', 'a/c/e']);
});

test('a quoted test that is gone, or was renamed, is found', () => {
  const code = { path: 'packages/core/src/a.test.ts', text: "test('two is two', () => {});" };
  const find = (text: string) => missingTests([code, { path: 'docs/a.md', text }]).length;
  assert.equal(find('`packages/core/src/a.test.ts` “two is two”'), 0);
  assert.equal(find('`packages/core/src/a.test.ts`\n  “two is\n two”'), 0);
  assert.equal(find('`packages/core/src/a.test.ts` “two is three”'), 1);
  assert.equal(find('`packages/core/src/b.test.ts` “two is two”'), 1);
});
