import assert from 'node:assert/strict';
import { test } from 'node:test';
import { undeclaredImports, wrongLicences } from './declared.ts';

const root = {
  path: 'package.json',
  text: JSON.stringify({ name: 'postrider', license: 'Apache-2.0', devDependencies: { 'fast-check': '4' } }),
};
const router = {
  path: 'services/router/package.json',
  text: JSON.stringify({ name: '@postrider/router', license: 'Apache-2.0', dependencies: { pino: '10' } }),
};
const find = (path: string, specifier: string) =>
  undeclaredImports([root, router, { path, text: `import { x } from '${specifier}';\n` }]).map(
    ({ problem }) => problem,
  );

test('an import that the nearest package.json does not declare is found', () => {
  assert.deepEqual(find('services/router/src/a.ts', 'undici'), [
    'imports undici, which @postrider/router does not declare',
  ]);
  assert.equal(find('services/router/src/a.ts', '@postrider/core').length, 1);
});

test('what is declared, a module of Node, a neighbouring file and the workspace itself are fine', () => {
  for (const specifier of ['pino', 'pino/file', 'node:fs', './b.ts', '@postrider/router']) {
    assert.deepEqual(find('services/router/src/a.ts', specifier), [], specifier);
  }
});

test("the root's development dependencies serve tests, and nothing that runs in an image", () => {
  assert.deepEqual(find('services/router/src/a.test.ts', 'fast-check'), []);
  assert.equal(find('services/router/src/a.ts', 'fast-check').length, 1);
});

test('a workspace under another licence, or under none, is found', () => {
  const other = { path: 'packages/x/package.json', text: '{"name":"x","license":"MIT"}' };
  assert.deepEqual(
    wrongLicences([root, router, other]).map(({ path }) => path),
    ['packages/x/package.json'],
  );
});
