import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { zipEntry } from './zip-entry.ts';

/** A jar of Maven Central that holds the server of Redis for four machines, built by the authors of Signal (BSD licence). */
const version = '7.0.15';
const artifact = 'org.signal:embedded-redis:0.9.1';
const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';
const cacheDir = join(import.meta.dirname, '../../.cache');

/** Path of a `redis-server`: the machine's own, else one that is fetched once with Maven (11 MB). */
export async function redisBinary(path: string = process.env['PATH'] ?? ''): Promise<string> {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, 'redis-server');
    if (folder !== '' && (await isExecutable(file))) return file;
  }
  return fetchedRedis();
}

/** Path of the `redis-server` that Maven fetches, once. */
export async function fetchedRedis(): Promise<string> {
  const cached = join(cacheDir, `redis-server-${version}`);
  return (await isExecutable(cached)) ? cached : fetchBinary(cached);
}

function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function fetchBinary(to: string): Promise<string> {
  await mkdir(cacheDir, { recursive: true });
  const folder = await mkdtemp(join(cacheDir, 'redis-'));
  try {
    await copyJar(folder);
    const jar = await readFile(join(folder, `${artifact.split(':').slice(1).join('-')}.jar`));
    const partial = join(folder, 'redis-server');
    await writeFile(partial, zipEntry(jar, `redis-server-${version}-${platform()}-${machine()}`));
    await chmod(partial, 0o755);
    // Complete or absent, whoever else does the same at this moment.
    await rename(partial, to);
    return to;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function machine(): string {
  return arch() === 'x64' ? 'amd64' : arch();
}

async function copyJar(into: string): Promise<void> {
  const args = ['-B', '-q', '-Dstyle.color=never', goal, `-Dartifact=${artifact}`, `-DoutputDirectory=${into}`];
  const child = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const problem = await once(child, 'close').then(
    ([code]) => (code === 0 ? null : said.trim().slice(0, 500)),
    (error: unknown) => String(error),
  );
  if (problem !== null)
    throw new Error(
      `There is no redis-server on this machine and Maven could not fetch one (install redis): ${problem}`,
    );
}
