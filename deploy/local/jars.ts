import { spawn } from 'node:child_process';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LocalKafkaError } from './local-kafka-error.ts';
import type { Problem } from './local-kafka-error.ts';
import { tryLock } from './pid-lock.mjs';

/** The Kafka that is run. 4.4.0 does not resolve: its pom asks for an artifact that was never published. */
export const kafkaVersion = '4.3.1';

const here = dirname(fileURLToPath(import.meta.url));
const pomPath = join(here, 'pom.xml');
const cacheDir = join(here, '../../.cache');
const jarsDir = join(cacheDir, `kafka-${kafkaVersion}`);
const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** The directory of the broker's jars, or undefined when they have not been fetched for the present `pom.xml`. */
export async function cachedJars(): Promise<string | undefined> {
  const [wanted, cached] = await Promise.all([
    readFile(pomPath, 'utf8'),
    readFile(join(jarsDir, 'pom.xml'), 'utf8').catch(() => undefined),
  ]);
  return wanted === cached ? jarsDir : undefined;
}

/**
 * The directory of the broker's jars, fetched with Maven when it is not there (44 MB, once). Complete or absent: they
 * arrive in a directory of their own that is renamed when all are there. Of several processes one fetches.
 * Rejects with a `LocalKafkaError` (`DOWNLOAD_FAILED`, `DISK_SHORT`, `MAVEN_MISSING`, `ABORTED`).
 */
export async function ensureJars(log: (line: string) => void, signal?: AbortSignal): Promise<string> {
  await mkdir(cacheDir, { recursive: true });
  let told = false;
  for (;;) {
    const cached = await cachedJars();
    if (cached !== undefined) return cached;
    const lock = tryLock(`${jarsDir}.lock`);
    if (lock.locked) {
      try {
        return (await cachedJars()) ?? (await fetchJars(log, signal));
      } finally {
        lock.release();
      }
    }
    if (!told) log(`Process ${lock.pid} is already downloading Kafka; waiting for it`);
    told = true;
    await delay(200, undefined, signal === undefined ? {} : { signal }).catch(() => throwAborted());
  }
}

function throwAborted(): never {
  throw new LocalKafkaError([{ code: 'ABORTED', message: 'The start of Kafka was interrupted.' }]);
}

async function fetchJars(log: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const started = performance.now();
  const elapsed = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  log(`Downloading Apache Kafka ${kafkaVersion} with Maven (44 MB, only this once)`);
  const partial = `${jarsDir}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const transferred = { files: 0 };
  const progress = setInterval(() => log(`Downloading Kafka: ${transferred.files} files, ${elapsed()}`), 5000);
  try {
    await runMaven(partial, transferred, signal);
  } finally {
    clearInterval(progress);
  }
  await writeFile(join(partial, 'pom.xml'), await readFile(pomPath));
  await rm(jarsDir, { recursive: true, force: true });
  await rename(partial, jarsDir);
  log(`Downloaded Kafka in ${elapsed()}`);
  return jarsDir;
}

async function runMaven(into: string, transferred: { files: number }, signal?: AbortSignal): Promise<void> {
  const args = ['-B', '-Dstyle.color=never', '-f', pomPath, goal, `-Dkafka.version=${kafkaVersion}`];
  const child = spawn('mvn', [...args, '-DincludeScope=runtime', `-DoutputDirectory=${into}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  });
  const lines: string[] = [];
  const keep = (line: string) => {
    if (line.includes('Downloaded from')) transferred.files++;
    else if (!line.includes('Downloading from') && lines.push(line) > 200) lines.shift();
  };
  createInterface(child.stdout).on('line', keep);
  createInterface(child.stderr).on('line', keep);
  const failure = await new Promise<Error | number | null>((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  if (signal?.aborted === true) throwAborted();
  if (failure instanceof Error) throw new LocalKafkaError([mavenMissing], { cause: failure });
  if (failure !== 0) throw new LocalKafkaError([mavenProblem(lines)]);
}

/** What to say when there is no Maven and it is needed. */
export const mavenMissing: Problem = {
  code: 'MAVEN_MISSING',
  message: 'Maven is missing; it downloads Kafka once: install it, for example with: apt-get install maven',
};

/** Says in one sentence why Maven failed, from what it printed. */
export function mavenProblem(lines: readonly string[]): Problem {
  const errors = lines.filter((line) => line.startsWith('[ERROR]')).map((line) => line.slice('[ERROR]'.length).trim());
  const said = errors.find((line) => line !== '') ?? lines.at(-1) ?? 'nothing';
  const all = lines.join('\n');
  if (/No space left on device/.test(all))
    return {
      code: 'DISK_SHORT',
      message: 'The disk is full: Kafka needs 44 MB there, and Maven as much again in ~/.m2.',
    };
  if (/Unknown host|Could not transfer|Connection refused|timed out|Network is unreachable/i.test(all))
    return {
      code: 'DOWNLOAD_FAILED',
      message: `Kafka could not be downloaded: Maven does not reach its repository. Check the network and ~/.m2/settings.xml (mirror, proxy). It said: ${said}`,
    };
  return { code: 'DOWNLOAD_FAILED', message: `Kafka could not be downloaded. Maven said: ${said}` };
}
