import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { lint } from './linter.ts';
import { repoRoot } from './repo-files.ts';

// No @types stand in the planted house; the rules under test need none.
const tsconfig = JSON.stringify({ compilerOptions: { module: 'nodenext', target: 'esnext', strict: true, types: [] } });

/** Lints a house of its own, built of the given files, with the configuration of this one; gives back `path rule`. */
function lintPlanted(planted: Readonly<Record<string, string>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-lint-'));
  try {
    copyFileSync(join(repoRoot, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    writeFileSync(join(folder, 'tsconfig.json'), tsconfig);
    for (const [path, text] of Object.entries(planted)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return lint(folder).map(({ path, rule }) => `${path} ${rule}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const importing = (specifier: string) => `import { x } from '${specifier}';\nexport const y = x;\n`;
const promising = 'export const go = async (): Promise<void> => {};\n';

test('the linter finds a promise that nobody waits for', () => {
  const found = lintPlanted({
    'services/router/src/a.ts': `${promising}export function start(): void {\n  go();\n}\n`,
  });
  assert.deepEqual(found, ['services/router/src/a.ts typescript(no-floating-promises)']);
});

test('the linter finds files and functions that are too long', () => {
  const found = lintPlanted({
    'services/router/src/a.ts': 'export const a = 1;\n'.replace('a', 'b') + '// line\n'.repeat(400),
    'services/router/src/c.ts': `export function c(): void {\n${'  // line\n'.repeat(70)}}\n`,
  });
  assert.deepEqual(found.toSorted(), [
    'services/router/src/a.ts eslint(max-lines)',
    'services/router/src/c.ts eslint(max-lines-per-function)',
  ]);
});

test('the linter finds imports against the direction of the house, and the doors that are walked around', () => {
  const forbidden: Readonly<Record<string, string>> = {
    'packages/contract/a.ts': '@postrider/core',
    'packages/core/src/a.ts': '@postrider/kafka',
    'packages/core/src/b.ts': 'node:fs',
    'packages/kafka/src/a.ts': 'kafkajs',
    'packages/kafka/src/b.ts': '@postrider/runtime',
    'packages/egress/src/a.ts': '@postrider/kafka',
    'packages/runtime/src/a.ts': '@postrider/core',
    'packages/config-view/src/a.ts': '@postrider/egress',
    'services/router/src/a.ts': '@postrider/dispatcher',
    'services/dispatcher/src/a.ts': 'undici',
    'services/standalone/src/a.ts': 'kafkajs',
  };
  const allowed: Readonly<Record<string, string>> = {
    'packages/core/src/c.ts': '@postrider/contract/postrider/v1/delivery',
    'packages/core/src/d.ts': 'node:crypto',
    'packages/kafka/src/kafkajs/a.ts': 'kafkajs',
    'packages/egress/src/b.ts': 'undici',
    'services/router/src/b.ts': '@postrider/kafka/testing',
    'services/standalone/src/b.ts': '@postrider/router',
  };
  const all = Object.entries({ ...forbidden, ...allowed });
  const found = lintPlanted(Object.fromEntries(all.map(([path, specifier]) => [path, importing(specifier)])));
  assert.deepEqual(
    found.toSorted(),
    Object.keys(forbidden)
      .map((path) => `${path} eslint(no-restricted-imports)`)
      .toSorted(),
  );
});

test('the linter finds clocks, timers and chance in the pure rules', () => {
  const found = lintPlanted({
    'packages/core/src/a.ts':
      'export const a = (): number => Date.now() + Math.random();\nsetTimeout(() => a(), 1);\nexport const b = process.pid;\n',
  });
  assert.deepEqual(found.toSorted(), [
    'packages/core/src/a.ts eslint(no-restricted-globals)',
    'packages/core/src/a.ts eslint(no-restricted-globals)',
    'packages/core/src/a.ts eslint(no-restricted-properties)',
    'packages/core/src/a.ts eslint(no-restricted-properties)',
  ]);
});

test('the linter finds requests that go past the one door', () => {
  const text =
    "export const a = fetch('x');\nexport const b = new WebSocket('x');\nexport const c = globalThis.fetch('x');\n";
  const found = lintPlanted({ 'services/dispatcher/src/a.ts': text, 'packages/runtime/src/a.ts': text });
  const rules = ['eslint(no-restricted-globals)', 'eslint(no-restricted-globals)', 'eslint(no-restricted-properties)'];
  assert.deepEqual(
    found.filter((one) => one.includes('no-restricted')).toSorted(),
    ['packages/runtime/src/a.ts', 'services/dispatcher/src/a.ts'].flatMap((path) =>
      rules.map((rule) => `${path} ${rule}`),
    ),
  );
});

test('the linter finds printing, default exports and settings read in passing', () => {
  const found = lintPlanted({
    'services/router/src/a.ts': "console.log('x');\nexport default process.env.X;\n",
    'services/router/src/config.ts': 'export const x = process.env;\n',
  });
  assert.deepEqual(found.toSorted(), [
    'services/router/src/a.ts eslint(no-console)',
    'services/router/src/a.ts import(no-default-export)',
    'services/router/src/a.ts node(no-process-env)',
  ]);
});
