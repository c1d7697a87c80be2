import { execFile } from 'node:child_process';
import { readFile, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { getJava } from './diagnosis.ts';
import { cachedJars, mavenMissing } from './jars.ts';
import { parseJavaVersion } from './java-version.ts';
import type { Problem } from './local-kafka-error.ts';
import { portIsFree } from './ports.ts';
import { host } from './server-properties.ts';

/** The oldest Java that Kafka 4 runs on. */
export const javaReleaseMin = 17;
/** Memory that one broker takes: 256 MiB of heap and the JVM around it. */
const firstBrokerMiB = 600;
const furtherBrokerMiB = 350;
const diskFreeMiBMin = 512;

/** What a start is about to need. */
export interface PreflightPlan {
  readonly brokers: number;
  readonly dataDir: string;
  /** Ports that must be free; those that are chosen at start need not be named. */
  readonly ports: readonly number[];
}

/** Everything that stands in the way of starting a local Kafka, all at once; empty when nothing does. */
export async function preflight(plan: PreflightPlan): Promise<Problem[]> {
  const found = await Promise.all([
    checkJava(),
    checkMaven(),
    ...plan.ports.map((port) => checkPort(port)),
    checkMemory(plan.brokers),
    checkDisk(plan.dataDir),
  ]);
  return found.filter((problem) => problem !== undefined);
}

/** Java is there and new enough; asked from `java -version`. */
export async function checkJava(command = 'java'): Promise<Problem | undefined> {
  const output = await run(command, ['-version']);
  if (output === undefined) return { code: 'JAVA_MISSING', message: `Java is missing; Kafka runs on it: ${getJava}` };
  const release = parseJavaVersion(output);
  if (release === undefined || release >= javaReleaseMin) return undefined;
  return { code: 'JAVA_TOO_OLD', message: `Java ${release} is too old for Kafka: ${getJava}` };
}

/** Maven is there; needed only until the jars are. */
export async function checkMaven(command = 'mvn'): Promise<Problem | undefined> {
  if ((await cachedJars()) !== undefined) return undefined;
  return (await run(command, ['--version'])) === undefined ? mavenMissing : undefined;
}

/** The port of the loopback address is free. */
export async function checkPort(port: number): Promise<Problem | undefined> {
  if (await portIsFree(port)) return undefined;
  return {
    code: 'PORT_TAKEN',
    message: `Port ${port} of ${host} is already taken: stop what listens there (ss -ltnp 'sport = :${port}' names it), or choose another port.`,
  };
}

/** Enough memory is available for so many brokers. Checked where the system tells it (Linux). */
export async function checkMemory(brokers: number, meminfoPath = '/proc/meminfo'): Promise<Problem | undefined> {
  const text = await readFile(meminfoPath, 'utf8').catch(() => '');
  const availableKiB = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  if (availableKiB === undefined) return undefined;
  const availableMiB = Math.floor(Number(availableKiB) / 1024);
  const neededMiB = firstBrokerMiB + furtherBrokerMiB * (brokers - 1);
  if (availableMiB >= neededMiB) return undefined;
  const what = brokers === 1 ? 'Kafka needs' : `${brokers} Kafka brokers need`;
  return {
    code: 'MEMORY_SHORT',
    message: `Not enough memory: ${what} ${neededMiB} MiB and ${availableMiB} MiB are available. Close something and start again.`,
  };
}

/** The file system that holds, or will hold, the directory has room. */
export async function checkDisk(dataDir: string, freeMiBMin = diskFreeMiBMin): Promise<Problem | undefined> {
  for (let directory = dataDir; ; directory = dirname(directory)) {
    const stats = await statfs(directory).catch(() => undefined);
    if (stats === undefined && directory !== dirname(directory)) continue;
    if (stats === undefined) return undefined;
    const freeMiB = Math.floor((stats.bavail * stats.bsize) / 1024 / 1024);
    if (freeMiB >= freeMiBMin) return undefined;
    return {
      code: 'DISK_SHORT',
      message: `The disk is nearly full: ${freeMiB} MiB are free for ${dataDir}, and Kafka needs at least ${freeMiBMin} MiB.`,
    };
  }
}

/** What the command printed, on either stream; undefined when it cannot be run at all. */
function run(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      const missing = error !== null && 'code' in error && (error.code === 'ENOENT' || error.code === 'EACCES');
      resolve(missing ? undefined : `${stderr}${stdout}`);
    });
  });
}
