import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { breakingChanges, differences } from './contract-steps.ts';
import { repoRoot } from './repo-files.ts';

/** A repository of its own with this one's contract as its first commits; gone after the test. */
function cloneOfContract(commits: number): { root: string; [Symbol.dispose](): void } {
  const root = mkdtempSync(join(tmpdir(), 'postrider-contract-'));
  const git = (...args: string[]) =>
    execFileSync(
      'git',
      ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false', ...args],
      {
        cwd: root,
        stdio: 'ignore',
      },
    );
  cpSync(join(repoRoot, 'proto'), join(root, 'proto'), { recursive: true });
  cpSync(join(repoRoot, 'buf.yaml'), join(root, 'buf.yaml'));
  mkdirSync(join(root, 'node_modules/google-proto-files/google'), { recursive: true });
  symlinkSync(join(repoRoot, 'node_modules/.bin'), join(root, 'node_modules/.bin'));
  for (const name of ['api', 'rpc']) {
    const path = `node_modules/google-proto-files/google/${name}`;
    cpSync(join(repoRoot, path), join(root, path), { recursive: true });
  }
  writeFileSync(join(root, '.gitignore'), 'node_modules\n');
  git('init', '--initial-branch', 'main');
  git('add', '.');
  for (let i = 0; i < commits; i += 1) git('commit', '--allow-empty', '-m', `commit ${i}`);
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

function change(root: string, from: string, to: string): void {
  const path = join(root, 'proto/postrider/v1/ownership.proto');
  const before = readFileSync(path, 'utf8');
  const after = before.replace(from, to);
  assert.notEqual(after, before);
  writeFileSync(path, after);
}

test('a field that changes its number is found before it breaks a reader of yesterday', async () => {
  using clone = cloneOfContract(2);
  assert.deepEqual(await breakingChanges(clone.root), { kind: 'passed' });
  change(clone.root, 'string process_id = 1;', 'string process_id = 9;');
  const result = await breakingChanges(clone.root);
  assert.equal(result.kind, 'failed');
  assert.match(result.kind === 'failed' ? result.output : '', /ownership\.proto/);
});

test('a new field breaks nothing', async () => {
  using clone = cloneOfContract(2);
  change(clone.root, 'int64 follows_epoch = 3;', 'int64 follows_epoch = 3;\n  // New.\n  string note = 4;');
  assert.deepEqual(await breakingChanges(clone.root), { kind: 'passed' });
});

test('a clone with a single commit has nothing to compare with, and says so', async () => {
  using clone = cloneOfContract(1);
  const result = await breakingChanges(clone.root);
  assert.equal(result.kind, 'skipped');
});

test('files that differ, are new or are gone are all told', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-diff-'));
  try {
    for (const side of ['left', 'right']) mkdirSync(join(folder, side, 'a'), { recursive: true });
    for (const [path, text] of [
      ['left/a/same', '1'],
      ['right/a/same', '1'],
      ['left/other', '1'],
      ['right/other', '2'],
      ['left/gone', '1'],
      ['right/a/new', '1'],
    ] as const) {
      writeFileSync(join(folder, path), text);
    }
    assert.deepEqual(
      differences(join(folder, 'left'), join(folder, 'right')).toSorted(),
      ['left/a/new', 'left/gone', 'left/other'].map((path) => join(folder, path)),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
