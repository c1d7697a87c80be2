import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Step } from './steps.ts';
import { command, commandStep, runSteps } from './steps.ts';

async function run(steps: readonly Step[]): Promise<{ lines: string[]; ok: boolean }> {
  const lines: string[] = [];
  let time = 0;
  const ok = await runSteps(
    steps,
    (line) => lines.push(line),
    () => (time += 500),
  );
  return { lines, ok };
}

const node = process.execPath;

test('a step passes when its command ends well; one line tells how long it took', async () => {
  const { lines, ok } = await run([commandStep('works', '.', node, ['-e', '0'])]);
  assert.deepEqual(lines, ['ok       works    0.5 s', '1 passed, 0 failed']);
  assert.equal(ok, true);
});

test('a failing step shows what it said, and the steps after it still run', async () => {
  const script = "console.log('out'); console.error('err'); process.exitCode = 3";
  const { lines, ok } = await run([
    commandStep('breaks', '.', node, ['-e', script]),
    commandStep('works', '.', node, ['-e', '0']),
  ]);
  assert.equal(ok, false);
  assert.match(lines[0] ?? '', /^FAILED {3}breaks/);
  assert.match(lines[0] ?? '', /\bout\b/);
  assert.match(lines[0] ?? '', /\berr\b/);
  assert.match(lines[1] ?? '', /^ok/);
  assert.equal(lines.at(-1), '1 passed, 1 failed');
});

test('a step that throws, or whose command does not exist, has failed', async () => {
  const { lines, ok } = await run([
    { name: 'throws', run: () => Promise.reject(new Error('broken inside')) },
    commandStep('absent', '.', './no-such-command', []),
  ]);
  assert.equal(ok, false);
  assert.match(lines[0] ?? '', /broken inside/);
  assert.match(lines[1] ?? '', /ENOENT/);
});

test('a skipped step says why, loudly, and fails nothing', async () => {
  const { lines, ok } = await run([
    { name: 'helm', run: () => Promise.resolve({ kind: 'skipped', reason: 'helm is not installed' }) },
  ]);
  assert.equal(ok, true);
  assert.match(lines[0] ?? '', /^SKIPPED .*helm is not installed/);
  assert.equal(lines[1], '0 passed, 0 failed, 1 skipped');
});

test('a command that is killed has no exit code', async () => {
  assert.equal((await command('.', node, ['-e', "process.kill(process.pid, 'SIGKILL')"])).code, null);
});
