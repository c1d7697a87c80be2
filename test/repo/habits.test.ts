import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hiddenSettings, sleepingTests, undocumentedFunctions } from './habits.ts';

test('an exported function without a docstring is found, one with a docstring and its overloads are not', () => {
  const find = (text: string) => undocumentedFunctions([{ path: 'packages/core/src/a.ts', text }]).length;
  assert.equal(find('export function a(): void {}'), 1);
  assert.equal(find('const b = 1;\n\nexport async function a(): Promise<void> {}'), 1);
  assert.equal(find('export const a = (x: number) => x;'), 1);
  assert.equal(find('/** Says why. */\nexport function a(): void {}'), 0);
  assert.equal(find('/** Says why. */\nexport function a(x: 1): 1;\nexport function a(x: 2): 2;'), 0);
  assert.equal(find('function a(): void {}'), 0);
});

test('a test that sleeps is found', () => {
  const find = (text: string) => sleepingTests([{ path: 'packages/core/src/a.test.ts', text }]).length;
  assert.equal(find(['import { setTimeout } from ', "'node:timers/promises';"].join('')), 1);
  assert.equal(find(['await new Promise((resolve) => ', 'setTimeout(resolve, 100));'].join('')), 1);
  assert.equal(find('await waitFor(() => seen.length === 3);'), 0);
  assert.equal(find('const late = setTimeout(() => fail(), 1000);'), 0);
});

test('a setting that is read elsewhere than in config.ts is found', () => {
  const find = (path: string, text: string) => hiddenSettings([{ path, text }]).length;
  assert.equal(find('services/router/src/match.ts', 'const x = process.env.POSTRIDER_X;'), 1);
  assert.equal(find('packages/kafka/src/a.ts', ['import { env } ', "from 'node:process';"].join('')), 1);
  assert.equal(find('services/router/src/config.ts', 'readEnv(process.env, spec)'), 0);
  assert.equal(find('services/router/src/match.ts', '// never process.env'), 0);
});
