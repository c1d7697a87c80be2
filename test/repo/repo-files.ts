import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** One text file of the repository. */
export interface RepoFile {
  /** Path from the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Something that breaks a rule: where, and in one sentence what to do about it. */
export interface Finding {
  readonly path: string;
  /** Line, from 1; absent when the whole file is meant. */
  readonly line?: number;
  readonly problem: string;
}

/** Root of the repository, absolute. */
export const repoRoot = resolve(import.meta.dirname, '../..');

const binary = /\.(binpb|png|jpe?g|gif|ico|woff2?|gz|tgz|jar)$/;

/** Paths of every file that is, or is about to be, part of the repository: tracked or not ignored, and present. */
export function repoPaths(root: string = repoRoot): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return listed
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)) && statSync(join(root, path)).isFile())
    .toSorted();
}

/** Reads the text files of the repository. */
export function repoFiles(root: string = repoRoot): RepoFile[] {
  return repoPaths(root)
    .filter((path) => !binary.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** Generated from `proto/`, by no hand; held to no rule but to equal what the generator writes. */
export function isGenerated(path: string): boolean {
  return path.startsWith('packages/contract/src/') || path === 'package-lock.json';
}

/** Hand-written TypeScript. */
export function isSource(path: string): boolean {
  return /\.m?ts$/.test(path) && !isGenerated(path);
}

/**
 * Code that runs in tests only: under test/ or a `testing` folder, or beside what it tests as `….test.ts`, `test-….ts`,
 * `…-arbitrary.ts` or `…-samples.ts`.
 */
export function isTest(path: string): boolean {
  return /^test\/|\/testing\/|\.test\.ts$|\/test-[^/]+\.ts$|-(?:arbitrary|samples)\.ts$/.test(path);
}

/** Prose that people read: Markdown at the root and under docs/, and each folder's README.md. */
export function isProse(path: string): boolean {
  return path.endsWith('.md');
}

/** Line number, from 1, of a position in a text. */
export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i !== -1 && i < index; i = text.indexOf('\n', i + 1)) line += 1;
  return line;
}

/** The findings as lines that an editor can jump to. */
export function show(findings: readonly Finding[]): string {
  return findings
    .map(({ path, line, problem }) => `${path}${line === undefined ? '' : `:${line}`} ${problem}`)
    .join('\n');
}
