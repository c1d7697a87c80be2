import { posix } from 'node:path';
import type { Finding, RepoFile } from './repo-files.ts';
import { isTest, lineAt } from './repo-files.ts';

/** One module that a file names, statically or in `import()`. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
}

// The formatter puts every static import and re-export at the start of a line; comments begin with `//`, `/*` or ` *`.
const patterns = [
  /^(?:import|export)\b[^;'"`]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^import\s*['"]([^'"]+)['"]/gm,
  /^(?!\s*(?:\/\/|\/\*|\*)).*?\b(?:import|require)\(\s*['"]([^'"]+)['"]/gm,
];

/** Every module named by the imports of a source text; packages and relative paths alike. */
export function importsOf(text: string): Import[] {
  const found: Import[] = [];
  for (const pattern of patterns) {
    for (const match of text.matchAll(pattern)) {
      const specifier = match[1] ?? '';
      if (!specifier.startsWith('.') && !/^(node:|@?[a-z0-9])/i.test(specifier)) continue;
      found.push({ specifier, line: lineAt(text, match.index + match[0].length) });
    }
  }
  return found.toSorted((a, b) => a.line - b.line);
}

/** What code of a folder may import of the repository. Folders not named here may import anything. */
interface Room {
  readonly folder: string;
  /** Workspaces by the last part of their names. */
  readonly may: readonly string[];
  /** What its tests may import besides. */
  readonly testsMay?: readonly string[];
}

const service = ['contract', 'core', 'config-view', 'kafka', 'egress', 'runtime'];
// Tests beside the code may start a real Kafka and use the shared helpers under test/support.
const testTools = ['local-kafka', 'test'];

/** contract ← core ← config-view, kafka, egress ← services; runtime depends on none; only standalone composes services. */
export const rooms: readonly Room[] = [
  { folder: 'packages/contract', may: [] },
  { folder: 'packages/core', may: ['contract'], testsMay: ['test'] },
  { folder: 'packages/config-view', may: ['contract', 'core', 'kafka'], testsMay: testTools },
  { folder: 'packages/kafka', may: ['contract', 'core'], testsMay: testTools },
  { folder: 'packages/egress', may: ['contract', 'core'], testsMay: testTools },
  { folder: 'packages/runtime', may: [] },
  {
    folder: 'packages/cli',
    may: ['contract', 'core', 'egress', 'kafka', 'runtime'],
    testsMay: ['control-plane', 'config-view', ...testTools],
  },
  {
    folder: 'services/standalone',
    may: [...service, 'cli', 'local-kafka', 'control-plane', 'router', 'dispatcher', 'ledger', 'console', 'test'],
  },
  { folder: 'services/', may: service, testsMay: testTools },
  { folder: 'deploy/local', may: [], testsMay: testTools },
];

/** Third-party modules that have one door. */
const doors: Readonly<Record<string, { readonly folders: readonly string[]; readonly problem: string }>> = {
  kafkajs: {
    folders: ['packages/kafka/src/kafkajs', 'packages/kafka/testing', 'test/integration'],
    problem: 'only packages/kafka/src/kafkajs may import kafkajs',
  },
  ioredis: {
    folders: ['services/dispatcher/src'],
    problem: 'only the dispatcher may import ioredis, in services/dispatcher/src/redis-done-store.ts',
  },
  undici: { folders: ['packages/egress', 'test/bench'], problem: 'only packages/egress may import undici' },
};

/** Modules that can open a connection. Whoever sends to a tenant's URL must not be able to do so but through the one door. */
const connectingModules = new Set(
  ['net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'dns/promises'].map((name) => `node:${name}`),
);
const mayConnect = ['packages/egress', 'packages/kafka', 'packages/runtime', 'packages/cli', 'services/standalone'];

const purePackage = 'packages/core/src/';
const pureModules = new Set(['node:buffer', 'node:crypto', 'node:url', 'node:util']);

/** Imports that go against the direction of the house, or around one of its doors. */
export function wrongDirections(files: readonly RepoFile[], workspaces: ReadonlyMap<string, string>): Finding[] {
  const findings: Finding[] = [];
  for (const { path, text } of files) {
    for (const { specifier, line } of importsOf(text)) {
      const problem = wrongImport(path, specifier, workspaces);
      if (problem !== undefined) findings.push({ path, line, problem });
    }
  }
  return findings;
}

function wrongImport(path: string, specifier: string, workspaces: ReadonlyMap<string, string>): string | undefined {
  const door = doors[packageOf(specifier) ?? ''];
  if (door !== undefined && !door.folders.some((folder) => path.startsWith(`${folder}/`))) return door.problem;
  if (specifier === 'process' || specifier === 'fs') return `write node:${specifier}`;
  if (path.startsWith(purePackage) && !isTest(path) && specifier.startsWith('node:') && !pureModules.has(specifier)) {
    return `core is pure and may not import ${specifier}`;
  }
  if (
    connectingModules.has(specifier) &&
    isInHouse(path) &&
    !mayConnect.some((folder) => path.startsWith(`${folder}/`))
  ) {
    return `requests leave through packages/egress: ${specifier} may not be imported here`;
  }
  const from = workspaceOfPath(path, workspaces);
  const to = specifier.startsWith('.')
    ? workspaceOfPath(posix.normalize(posix.join(posix.dirname(path), specifier)), workspaces)
    : workspaces.has(packageOf(specifier) ?? '')
      ? packageOf(specifier)
      : undefined;
  if (to === undefined || from === undefined || to === from) return undefined;
  const room = rooms.find(({ folder }) => path.startsWith(folder));
  if (room === undefined) return undefined;
  const allowed = isTest(path) ? [...room.may, ...(room.testsMay ?? [])] : room.may;
  if (!allowed.includes(to.replace('@postrider/', ''))) return `${room.folder} may not import ${to}`;
  // Other workspaces are entered by their names, so that package.json tells what depends on what. Tests under one roof
  // with the helpers they share may take the short way.
  return specifier.startsWith('.') && !isTest(path) ? `import ${to} by its name, not by a relative path` : undefined;
}

/** What runs at an operator's; tests play endpoints and brokers, and may connect as they like. */
function isInHouse(path: string): boolean {
  return /^(packages|services)\//.test(path) && !isTest(path);
}

/** The name of the package that a specifier enters; undefined for relative paths and Node's own modules. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}

/** The workspace that a path lies in: the one with the longest folder. `workspaces` maps names to folders. */
export function workspaceOfPath(path: string, workspaces: ReadonlyMap<string, string>): string | undefined {
  let best: string | undefined;
  let length = 0;
  for (const [name, folder] of workspaces) {
    if (path.startsWith(`${folder}/`) && folder.length > length) [best, length] = [name, folder.length];
  }
  return best;
}
