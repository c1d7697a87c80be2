import { dirname } from 'node:path';
import { importsOf, packageOf, workspaceOfPath } from './imports.ts';
import type { Finding, RepoFile } from './repo-files.ts';
import { isSource, isTest } from './repo-files.ts';

interface Manifest {
  readonly name: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The package.json of every workspace by its folder; the root's has folder ''. */
export function manifests(files: readonly RepoFile[]): ReadonlyMap<string, Manifest> {
  const found = new Map<string, Manifest>();
  for (const { path, text } of files) {
    if (path !== 'package.json' && !path.endsWith('/package.json')) continue;
    found.set(path === 'package.json' ? '' : dirname(path), JSON.parse(text) as Manifest);
  }
  return found;
}

/** Names of the workspaces with their folders. */
export function workspaceFolders(all: ReadonlyMap<string, Manifest>): ReadonlyMap<string, string> {
  return new Map([...all].filter(([folder]) => folder !== '').map(([folder, { name }]) => [name, folder]));
}

/**
 * Packages that are imported and not declared in the nearest package.json. npm hoists, so an undeclared import runs until
 * the day that another package drops it. What runs in an image must be a `dependency`; tests, and tools outside a
 * workspace's src, may use development dependencies, the root's included.
 */
export function undeclaredImports(files: readonly RepoFile[]): Finding[] {
  const all = manifests(files);
  const workspaces = workspaceFolders(all);
  const root = all.get('');
  const findings: Finding[] = [];
  for (const { path, text } of files) {
    if (!isSource(path) && !path.endsWith('.mjs')) continue;
    const workspace = workspaceOfPath(path, workspaces);
    const nearest = workspace === undefined ? root : all.get(workspaces.get(workspace) ?? '');
    const tool = isTest(path) || workspace === undefined || !path.includes('/src/');
    const declared = {
      ...nearest?.dependencies,
      ...nearest?.optionalDependencies,
      ...nearest?.peerDependencies,
      ...(tool ? { ...nearest?.devDependencies, ...root?.devDependencies } : {}),
    };
    for (const { specifier, line } of importsOf(text)) {
      const name = packageOf(specifier);
      if (name === undefined || name === nearest?.name || name in declared) continue;
      findings.push({
        path,
        line,
        problem: `imports ${name}, which ${nearest?.name ?? 'package.json'} does not declare`,
      });
    }
  }
  return findings;
}

/** Workspaces that are not under the licence of the whole. */
export function wrongLicences(files: readonly RepoFile[]): Finding[] {
  return [...manifests(files)]
    .filter(([, { license }]) => license !== 'Apache-2.0')
    .map(([folder, { license }]) => ({
      path: folder === '' ? 'package.json' : `${folder}/package.json`,
      problem: `says licence ${license ?? '(none)'}, not Apache-2.0`,
    }));
}
