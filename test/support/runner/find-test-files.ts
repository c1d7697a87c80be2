import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/**
 * What a file may run beside: `any`: whatever there is room for. `quiet`: waits more than it works, for processes and
 * brokers of its own, so that one such file runs beside the others. `none`: says of itself (`// test-alone: <why>`) that it
 * measures, or loads the machine or Kafka.
 */
export type Company = 'any' | 'quiet' | 'none';

/** A test file and how it must be run. */
export interface TestFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly company: Company;
  /** Uses the Kafka of the run. */
  readonly needsSharedKafka: boolean;
  /** How long the file may take when it says so itself (`// test-timeout: 300 s`), ms. */
  readonly timeoutMs: number | undefined;
}

const places = ['packages', 'services', 'deploy/local', 'test'];
const separateScripts = ['test/bench/'];
const quietIn = ['test/integration/', 'test/e2e/', 'test/chaos/'];

/**
 * All test files below `root` whose path holds one of the filters (all, if there is none), by path. Benchmarks have a script
 * of their own.
 */
export function findTestFiles(root: string, filters: readonly string[] = []): TestFile[] {
  const patterns = places.map((place) => `${place}/**/*.test.ts`);
  const paths = globSync(patterns, { cwd: root, exclude: (path) => path.split(sep).includes('node_modules') })
    .map((path) => path.replaceAll(sep, '/'))
    .filter((path) => !path.includes('node_modules/') && !separateScripts.some((start) => path.startsWith(start)))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .toSorted();
  return paths.map((path) => describe(path, readFileSync(join(root, path), 'utf8')));
}

function describe(path: string, text: string): TestFile {
  const seconds = /^\/\/ test-timeout: (\d+) s$/m.exec(text)?.[1];
  return {
    path,
    company: companyOf(path, text),
    needsSharedKafka: /\bsharedKafka\(/.test(text),
    timeoutMs: seconds === undefined ? undefined : Number(seconds) * 1000,
  };
}

function companyOf(path: string, text: string): Company {
  if (/^\/\/ test-alone: \S/m.test(text)) return 'none';
  return quietIn.some((start) => path.startsWith(start)) ? 'quiet' : 'any';
}
