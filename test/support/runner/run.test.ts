/**
 * The test runner on test files made for the purpose, in a directory of their own. What may be observed: what a person
 * sees, and the exit code.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { findTestFiles } from './find-test-files.ts';

const scratch = mkdtempSync(join(tmpdir(), 'postrider-runner-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function makeRoot(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(scratch, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const imports = `import { test, describe, before } from 'node:test'; import assert from 'node:assert/strict';\n`;
const passing = `${imports} test('fine', () => {});`;

function run(root: string, ...args: string[]) {
  const runner = join(import.meta.dirname, '../../run.ts');
  const { status, stdout } = spawnSync(process.execPath, [runner, '--root', root, ...args], { encoding: 'utf8' });
  return { status, stdout, lastLine: stdout.trimEnd().split('\n').at(-1) };
}

test('passing files give exit code 0 and a last line that programs can read', () => {
  const root = makeRoot('passing', {
    'packages/a/src/a.test.ts': `${imports} describe('suite', () => { test('one', () => {}); test.skip('two'); test.todo('three'); });`,
    'test/integration/b.test.ts': `${imports} test('parent', async (t) => { await t.test('child', () => {}); });`,
  });
  const { status, stdout, lastLine } = run(root);
  assert.equal(lastLine, '3 passed, 0 failed, 2 skipped');
  assert.equal(status, 0);
  assert.match(stdout, /^ok .* packages\/a\/src\/a\.test\.ts$/m);
  assert.match(stdout, /^ok .* test\/integration\/b\.test\.ts$/m);
});

test('every way to fail is a failure that names its file, and does not stop the others', () => {
  const root = makeRoot('failing', {
    'packages/a/assertion.test.ts': `${imports} describe('suite', () => { test('sums', () => { console.log('a word'); assert.equal(1 + 1, 3); }); });`,
    'packages/a/hook.test.ts': `${imports} describe('suite', () => { before(() => { throw new Error('no hook'); }); test('x', () => {}); });`,
    'packages/a/syntax.test.ts': 'const = ;',
    'packages/a/top-level.test.ts': `${passing} throw new Error('at the top');`,
    'packages/a/exits.test.ts': `${imports} test('x', () => process.exit(0));`,
    'packages/a/dies.test.ts': `${imports} test('x', () => process.kill(process.pid, 'SIGKILL'));`,
    'packages/a/empty.test.ts': 'export {};',
    'packages/a/late.test.ts': `${imports} test('x', () => { setTimeout(() => { throw new Error('too late'); }, 20); });`,
    'packages/a/fine.test.ts': passing,
  });
  const { status, stdout, lastLine } = run(root);
  assert.equal(status, 1);
  for (const [place, reason] of [
    ['suite › sums', 'Expected values to be strictly equal'],
    ['suite', 'no hook'],
    ['packages/a/syntax.test.ts', 'ended before its tests were done (exit code 1)'],
    ['packages/a/top-level.test.ts', 'ended before its tests were done (exit code 7)'],
    ['packages/a/exits.test.ts', 'ended without a test result'],
    ['packages/a/dies.test.ts', 'ended before its tests were done (SIGKILL)'],
    ['packages/a/empty.test.ts', 'ended without a test result'],
    ['packages/a/late.test.ts', 'although no test failed'],
  ] as const) {
    const start = stdout.indexOf(`FAIL ${place}\n`);
    assert.ok(start >= 0, `${place} is reported:\n${stdout}`);
    assert.ok(
      stdout.slice(start, start + 400).includes(reason),
      `${place}: ${reason}\n${stdout.slice(start, start + 400)}`,
    );
  }
  assert.match(stdout, /a word/, 'what a failing file printed is shown');
  assert.match(stdout, /ok .* packages\/a\/fine\.test\.ts/);
  assert.match(lastLine ?? '', /^\d+ passed, 9 failed$/);
});

test('a file that hangs is stopped and told with the test that hung, even in an endless loop', () => {
  const root = makeRoot('hanging', {
    'test/waits.test.ts': `${imports} test('fine', () => {}); test('for ever', async () => { setInterval(() => {}, 1e6); await new Promise(() => {}); });`,
    'test/open.test.ts': `${passing} setInterval(() => {}, 1e6);`,
    'test/loops.test.ts': `${imports} process.on('SIGTERM', () => {}); test('spins', () => { for (;;); });`,
  });
  const { status, stdout } = run(root, '--timeout', '5');
  assert.equal(status, 1);
  assert.match(stdout, /FAIL test\/waits\.test\.ts\n\s+hung: stopped after 5 s in: for ever \(line 2\)/);
  assert.match(stdout, /FAIL test\/open\.test\.ts\n\s+did not end: stopped after 5 s, all its tests had ended/);
  assert.match(stdout, /FAIL test\/loops\.test\.ts\n\s+hung: stopped after 5 s/);
});

test('a part of a path chooses files; one that matches none is a failure', () => {
  const root = makeRoot('chosen', { 'packages/a/a.test.ts': passing, 'packages/b/b.test.ts': passing });
  assert.equal(run(root, 'packages/b').lastLine, '1 passed, 0 failed');
  const none = run(root, 'packages/c');
  assert.equal(none.status, 1);
  assert.match(none.stdout, /No test file matches packages\/c\./);
  assert.equal(none.lastLine, '0 passed, 0 failed');
});

test('files of packages and benchmarks are left out; the others are told by place and by what they say of themselves', () => {
  const root = makeRoot('found', {
    'test/e2e/z.test.ts': `// test-timeout: 300 s\nawait ${'sharedKafka'}();`,
    'test/a.test.ts': '',
    'test/bench/b.test.ts': '',
    'test/chaos/c.test.ts': '// test-alone: it measures',
    'packages/p/node_modules/q/q.test.ts': '',
    'packages/p/src/p.test.ts': '',
    'services/s/src/s.ts': '',
  });
  assert.deepEqual(findTestFiles(root), [
    { path: 'packages/p/src/p.test.ts', company: 'any', needsSharedKafka: false, timeoutMs: undefined },
    { path: 'test/a.test.ts', company: 'any', needsSharedKafka: false, timeoutMs: undefined },
    { path: 'test/chaos/c.test.ts', company: 'none', needsSharedKafka: false, timeoutMs: undefined },
    { path: 'test/e2e/z.test.ts', company: 'quiet', needsSharedKafka: true, timeoutMs: 300_000 },
  ]);
});

test('integration runs beside the others, one by one; what must be alone runs when all of them have ended', () => {
  const file = (name: string, body: string) => `import { existsSync, writeFileSync } from 'node:fs';
    import { waitFor } from '${join(import.meta.dirname, '../wait-for.ts')}';
    ${imports} test('x', async () => { writeFileSync('${name} begun', ''); ${body} writeFileSync('${name} ended', ''); });`;
  const meet = (name: string) =>
    `await waitFor(() => existsSync('${name} begun'), { what: '${name}', timeoutMs: 20_000 });`;
  const ended = "['a', 'first', 'second'].every((name) => existsSync(name + ' ended'))";
  const root = makeRoot('company', {
    'test/a.test.ts': file('a', meet('first')),
    'test/alone.test.ts': `// test-alone: it measures\n${file('alone', `assert.ok(${ended});`)}`,
    'test/integration/first.test.ts': file('first', `${meet('a')} assert.ok(!existsSync('second begun'));`),
    'test/integration/second.test.ts': file('second', "assert.ok(existsSync('first ended'));"),
  });
  const { status, stdout } = run(root, '--timeout', '20');
  assert.equal(status, 0, stdout);
  assert.match(stdout, /alone\.test\.ts\n\n4 of 4 files/);
});
