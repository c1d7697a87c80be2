import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { StepResult } from './steps.ts';
import { command } from './steps.ts';

const googleProtos = ['api', 'rpc'].map((name) => `node_modules/google-proto-files/google/${name}`);

/**
 * Makes sure that no change of `proto/` breaks a reader or writer of yesterday, in binary or JSON (rule set WIRE_JSON):
 * the working tree against main. On main itself, where there is nothing to compare, against the commit before.
 */
export async function breakingChanges(root: string): Promise<StepResult> {
  const base = await baseCommit(root);
  if (base === undefined) return { kind: 'skipped', reason: 'this clone has no commit of main to compare with' };
  const folder = mkdtempSync(join(tmpdir(), 'postrider-base-'));
  try {
    const archive = join(folder, 'base.tar');
    const parts = ['proto', 'buf.yaml'];
    const present = await command(root, 'git', ['ls-tree', '--name-only', base, ...parts]);
    if (present.output.trim().split('\n').length !== parts.length) {
      return { kind: 'skipped', reason: `${base.slice(0, 12)} has no proto/ to compare with` };
    }
    for (const [name, args] of [
      ['git', ['archive', '--output', archive, base, ...parts]],
      ['tar', ['-xf', archive, '-C', folder]],
    ] as const) {
      const made = await command(root, name, args);
      if (made.code !== 0) return { kind: 'failed', output: made.output };
    }
    // The imports of the base are those of today: they are pinned, and not ours to break.
    for (const path of googleProtos) cpSync(join(root, path), join(folder, path), { recursive: true });
    const { code, output } = await command(root, 'node_modules/.bin/buf', ['breaking', '--against', folder]);
    return code === 0 ? { kind: 'passed' } : { kind: 'failed', output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The newest commit of main that is not the one checked out; undefined where the clone is too shallow to tell. */
async function baseCommit(root: string): Promise<string | undefined> {
  const resolve = async (name: string): Promise<string | undefined> => {
    const { code, output } = await command(root, 'git', ['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);
    return code === 0 ? output.trim() : undefined;
  };
  const head = await resolve('HEAD');
  const main = (await resolve('origin/main')) ?? (await resolve('main'));
  return main !== undefined && main !== head ? main : resolve('HEAD^');
}

/** Makes sure that the contract's code and reference that are checked in are what the generator writes from `proto/` today. */
export async function generatedEqualsProto(root: string): Promise<StepResult> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-generated-'));
  try {
    mkdirSync(join(folder, 'src'));
    const run = await command(root, process.execPath, ['packages/contract/generate.ts', folder]);
    if (run.code !== 0) return { kind: 'failed', output: run.output };
    const contract = join(root, 'packages/contract');
    const differing = [
      ...differences(join(contract, 'src'), join(folder, 'src')),
      ...differences(join(contract, 'descriptors.binpb'), join(folder, 'descriptors.binpb')),
      ...differences(join(root, 'docs/api/reference'), join(folder, 'reference')),
    ];
    if (differing.length === 0) return { kind: 'passed' };
    const list = differing.map((path) => `  ${relative(root, path)}`).join('\n');
    return { kind: 'failed', output: `not what proto/ says today; run "npm run generate":\n${list}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Paths, as under `left`, of files that differ or that only one of the two trees has. Either may be a single file. */
export function differences(left: string, right: string): string[] {
  const names = new Set([...filesUnder(left), ...filesUnder(right)]);
  return [...names].filter((name) => !sameFile(join(left, name), join(right, name))).map((name) => join(left, name));
}

function filesUnder(path: string): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [''];
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(path, name)).isFile());
}

function sameFile(left: string, right: string): boolean {
  return existsSync(left) && existsSync(right) && readFileSync(left).equals(readFileSync(right));
}
