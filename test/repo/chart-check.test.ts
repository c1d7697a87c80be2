import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { drainLimitMs, limits } from '@postrider/core';
import { refusedValues } from '../../deploy/helm/check.ts';
import { repoRoot } from './repo-files.ts';

// deploy/helm/check.ts as a program, with tools that stand in for helm and kubectl-validate: shell scripts in a folder.
function runCheck(tools: Readonly<Record<string, string>>): { code: number | null; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-tools-'));
  try {
    for (const [name, script] of Object.entries(tools)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    }
    const env = { PATH: `${folder}:/usr/bin:/bin`, HOME: folder };
    const run = spawnSync(process.execPath, ['deploy/helm/check.ts'], { cwd: repoRoot, env, encoding: 'utf8' });
    return { code: run.status, output: run.stdout + run.stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** It refuses whatever is set, and names everything that a refusal must. */
const refusing = `case "$*" in *--set*) echo '${refusedValues.map(({ named }) => named).join(' ')}'; exit 1;; esac`;

test('without its tools the chart check is skipped, fails nothing, and says what is missing and where it says how', () => {
  const { code, output } = runCheck({});
  assert.equal(code, 0);
  assert.match(output, /^SKIPPED .*helm and kubectl-validate not installed; deploy\/helm\/check\.ts says how/);
});

test('a chart that is valid, and refuses what makes no sense, passes', () => {
  const { code, output } = runCheck({ helm: refusing, 'kubectl-validate': 'exit 0' });
  assert.equal(code, 0, output);
});

test('a chart that takes values that make no sense fails', () => {
  const { code, output } = runCheck({ helm: 'exit 0', 'kubectl-validate': 'exit 0' });
  assert.equal(code, 1);
  assert.match(output, /the chart takes kafka\.brokers=\{\}/);
});

test('manifests that Kubernetes would refuse fail, for every file of values', () => {
  const { code, output } = runCheck({ helm: refusing, 'kubectl-validate': 'echo "spec.x: unknown field"; exit 1' });
  assert.equal(code, 1);
  for (const file of readdirSync(join(repoRoot, 'deploy/helm/values'))) assert.ok(output.includes(file), file);
  assert.match(output, /spec\.x: unknown field/);
});

test('a dispatcher is given the time that it may take to drain and what a pod needs above it; P is 64', () => {
  const values = readFileSync(join(repoRoot, 'deploy/helm/postrider/values.yaml'), 'utf8');
  assert.match(values, /^ {2}partitions: 64$/m);
  const seconds = Number(/^ {2}terminationGracePeriodSeconds: (\d+)$/m.exec(values)?.[1]);
  assert.ok(seconds * 1000 >= drainLimitMs() + limits.graceAboveDrainMs, `${seconds} s`);
});
