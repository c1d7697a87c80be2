/**
 * Runs the tests: `npm test`, or `npm test -- <part of a path> …` for some of them. Files that may run side by side do so
 * first, and beside them those of test/integration and test/e2e one by one; then what must be alone. The tests that need a
 * Kafka share one.
 * Exits with 0 only if something ran and nothing failed.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LocalKafka } from '../deploy/local/index.ts';
import { sharedKafkaVariable, startKafka } from './support/kafka.ts';
import { failureDetails, fileLine, summaryLine } from './support/runner/print.ts';
import { findTestFiles } from './support/runner/find-test-files.ts';
import type { Company, TestFile } from './support/runner/find-test-files.ts';
import { runFile } from './support/runner/run-file.ts';
import type { FileResult } from './support/runner/run-file.ts';

const defaultTimeoutS = 180;
const sideBySide = Math.min(2, availableParallelism());

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { root: { type: 'string', default: join(import.meta.dirname, '..') }, timeout: { type: 'string' } },
});
const { root } = values;
const timeoutMs = Number(values.timeout ?? defaultTimeoutS) * 1000;
if (!(timeoutMs > 0)) throw new TypeError(`--timeout: "${values.timeout}" is not a number of seconds`);

const interrupted = new AbortController();
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.on(name, () => {
    process.exitCode = code;
    interrupted.abort();
  });

const results: FileResult[] = [];
const say = (line: string) => process.stdout.write(`${line}\n`);
let shared: Promise<LocalKafka> | undefined;

async function kafkaVariables(file: TestFile): Promise<Record<string, string>> {
  if (!file.needsSharedKafka) return {};
  shared ??= startKafka({ log: say, signal: interrupted.signal });
  return { [sharedKafkaVariable]: (await shared).bootstrapServers.join(',') };
}

async function runOne(file: TestFile): Promise<void> {
  const limits = { root, timeoutMs: file.timeoutMs ?? timeoutMs, signal: interrupted.signal };
  const result = await kafkaVariables(file).then(
    (env) => runFile(file.path, { ...limits, env }),
    (error: Error): FileResult => {
      const failure = { name: file.path, place: file.path, error: `its Kafka did not start: ${error.message}` };
      return { path: file.path, passed: 0, skipped: 0, failures: [failure], durationMs: 0, output: '' };
    },
  );
  if (interrupted.signal.aborted) return;
  results.push(result);
  say(fileLine(result));
}

async function runAll(files: readonly TestFile[], atOnce: number): Promise<void> {
  const waiting = [...files];
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift())
      if (!interrupted.signal.aborted) await runOne(file);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const started = performance.now();
const files = findTestFiles(root, positionals);
if (files.length === 0)
  say(positionals.length === 0 ? 'There are no test files.' : `No test file matches ${positionals.join(', ')}.`);
try {
  const of = (company: Company) => files.filter((file) => file.company === company);
  await Promise.all([runAll(of('any'), sideBySide), runAll(of('quiet'), 1)]);
  await runAll(of('none'), 1);
} finally {
  await shared?.then(
    (kafka) => kafka[Symbol.asyncDispose](),
    () => {},
  );
}
for (const result of results.filter((each) => each.failures.length > 0)) say(`\n${failureDetails(result)}`);
say(`\n${results.length} of ${files.length} files in ${((performance.now() - started) / 1000).toFixed(1)} s`);
if (interrupted.signal.aborted) say('Interrupted.');
say(summaryLine(results));
const succeeded =
  results.some((result) => result.passed > 0) && results.every((result) => result.failures.length === 0);
if (!succeeded) process.exitCode ??= 1;
