import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** A test file and how it must be run. */
export interface TestFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  /** Runs beside nothing else: it measures, or it loads the machine or Kafka. */
  readonly alone: boolean;
  /** Uses the Kafka of the run. */
  readonly needsSharedKafka: boolean;
  /** How long the file may take when it says so itself (`// test-timeout: 300 s`), ms. */
  readonly timeoutMs: number | undefined;
}

const places = ['packages', 'services', 'deploy/local', 'test'];
const separateScripts = ['test/bench/'];
const aloneIn = ['test/integration/', 'test/e2e/', 'test/chaos/'];

/**
 * All test files below `root` whose path holds one of the filters (all, if there is none), in the order to run them: what
 * may run in parallel first. Benchmarks have a script of their own.
 */
export function findTestFiles(root: string, filters: readonly string[] = []): TestFile[] {
  const patterns = places.map((place) => `${place}/**/*.test.ts`);
  const paths = globSync(patterns, { cwd: root, exclude: (path) => path.split(sep).includes('node_modules') })
    .map((path) => path.replaceAll(sep, '/'))
    .filter((path) => !path.includes('node_modules/') && !separateScripts.some((start) => path.startsWith(start)))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .toSorted();
  const files = paths.map((path) => describe(path, readFileSync(join(root, path), 'utf8')));
  return [...files.filter((file) => !file.alone), ...files.filter((file) => file.alone)];
}

function describe(path: string, text: string): TestFile {
  const seconds = /^\/\/ test-timeout: (\d+) s$/m.exec(text)?.[1];
  return {
    path,
    alone: aloneIn.some((start) => path.startsWith(start)),
    needsSharedKafka: /\bsharedKafka\(/.test(text),
    timeoutMs: seconds === undefined ? undefined : Number(seconds) * 1000,
  };
}
