import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, wrongDirections } from './imports.ts';

const workspaces = new Map([
  ['@postrider/contract', 'packages/contract'],
  ['@postrider/core', 'packages/core'],
  ['@postrider/kafka', 'packages/kafka'],
  ['@postrider/runtime', 'packages/runtime'],
  ['@postrider/router', 'services/router'],
  ['@postrider/dispatcher', 'services/dispatcher'],
  ['@postrider/standalone', 'services/standalone'],
  ['@postrider/local-kafka', 'deploy/local'],
]);
const problems = (path: string, specifier: string) =>
  wrongDirections([{ path, text: `import { x } from '${specifier}';\n` }], workspaces).map(({ problem }) => problem);

test('static, type-only, re-exported, bare and dynamic imports are all seen, over several lines and with their line', () => {
  const text = [
    "import a from 'one';",
    'import type {',
    '  B,',
    "} from '@two/deep/path';",
    "export { c } from './three.ts';",
    "export * from 'four';",
    "import 'five';",
    "  const six = await import('./six.ts');",
    "  type Seven = import('./seven.ts').Seven;",
  ].join('\n');
  assert.deepEqual(
    importsOf(text).map(({ specifier, line }) => `${line} ${specifier}`),
    ['1 one', '4 @two/deep/path', '5 ./three.ts', '6 four', '7 five', '8 ./six.ts', '9 ./seven.ts'],
  );
});

test('what only looks like an import is not taken for one', () => {
  const text = [
    "// like import('./one.ts')",
    " * and import { x } from 'two'",
    "const text = `made from 'three'`;",
    "export const from = 'four';",
  ].join('\n');
  assert.deepEqual(importsOf(text), []);
});

test('each wrong direction is found', () => {
  for (const [path, specifier] of [
    ['packages/contract/generate.ts', '@postrider/core'],
    ['packages/core/src/a.ts', '@postrider/kafka'],
    ['packages/core/src/a.test.ts', '@postrider/runtime'],
    ['packages/kafka/src/a.ts', '@postrider/runtime'],
    ['packages/runtime/src/a.ts', '@postrider/core'],
    ['services/router/src/a.ts', '@postrider/dispatcher'],
    ['services/router/src/a.ts', '../../dispatcher/src/lane.ts'],
    ['services/router/src/a.ts', '@postrider/local-kafka'],
    ['packages/core/src/a.ts', 'node:fs'],
    ['packages/core/src/a.ts', 'node:timers/promises'],
    ['services/dispatcher/src/a.ts', 'undici'],
    ['services/dispatcher/src/a.ts', 'kafkajs'],
    ['packages/kafka/src/a.ts', 'kafkajs/src/cluster'],
    ['services/control-plane/src/a.ts', 'undici'],
    ['services/control-plane/src/a.ts', 'node:http'],
    ['services/dispatcher/src/a.ts', 'node:net'],
    ['services/router/src/a.ts', 'node:dns/promises'],
    ['packages/config-view/src/a.ts', 'node:tls'],
  ] as const) {
    assert.equal(problems(path, specifier).length, 1, `${path} → ${specifier}`);
  }
});

test('the right directions are not', () => {
  for (const [path, specifier] of [
    ['packages/core/src/a.ts', '@postrider/contract/postrider/v1/delivery'],
    ['packages/core/src/a.ts', 'node:crypto'],
    ['packages/core/src/a.test.ts', 'node:fs'],
    ['packages/kafka/src/kafkajs/a.ts', 'kafkajs'],
    ['packages/kafka/src/a.test.ts', '../../../deploy/local/index.ts'],
    ['packages/egress/src/a.ts', 'undici'],
    ['packages/egress/src/a.ts', 'node:net'],
    ['packages/runtime/src/health.ts', 'node:http'],
    ['services/dispatcher/src/a.test.ts', 'node:net'],
    ['services/dispatcher/testing/a.ts', 'node:net'],
    ['services/router/src/a.ts', '@postrider/kafka'],
    ['services/standalone/src/a.ts', '@postrider/dispatcher'],
    ['test/integration/a.test.ts', '../../services/router/src/service.ts'],
  ] as const) {
    assert.deepEqual(problems(path, specifier), [], `${path} → ${specifier}`);
  }
});

test('another workspace is entered by its name', () => {
  assert.match(problems('packages/kafka/src/a.ts', '../../core/src/clock.ts')[0] ?? '', /by its name/);
});
