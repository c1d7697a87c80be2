import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection } from '@postrider/cli';
import { tryLock } from '@postrider/local-kafka';

/** The folder that holds everything of one standalone installation, in use by this process alone. */
export interface DataDir extends AsyncDisposable {
  readonly path: string;
  readonly kafka: string;
  readonly log: string;
  /** For what may vanish. */
  readonly scratch: string;
  /** True when a run before this one was killed: what it held is given free only after a while. */
  readonly afterKill: boolean;
  /** The key that secrets are sealed under, 32 bytes in base64; made once. */
  readonly kek: string;
  /** The key of the API; made once. */
  readonly adminKey: string;
  /** Tells the command line where this installation is, for as long as it runs. */
  writeConnection(connection: Connection): Promise<void>;
}

/** Everything we ever put into the folder, but the lock: only these are removed to begin anew. */
const contents = ['kafka', 'log', 'scratch', 'kek', 'admin-key', 'connection.json'];

/**
 * Makes and locks the folder; with `fresh` what earlier runs left is removed. Secrets are readable by their owner only.
 * Rejects with one sentence when another process uses the folder.
 */
export async function openDataDir(path: string, fresh: boolean): Promise<DataDir> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const lock = tryLock(join(path, 'lock'));
  if (!lock.locked) {
    throw new Error(
      `another Postrider is already running here (pid ${lock.pid}). Stop it first, or set POSTRIDER_DATA_DIR to another folder than ${path}`,
    );
  }
  const connectionPath = join(path, 'connection.json');
  try {
    for (const name of fresh ? contents : ['connection.json'])
      await rm(join(path, name), { recursive: true, force: true, maxRetries: 5 });
    await mkdir(join(path, 'log'), { recursive: true });
    const kek = await madeOnce(join(path, 'kek'), () => randomBytes(32).toString('base64'));
    const adminKey = await madeOnce(join(path, 'admin-key'), () => `prk_admin_${randomBytes(24).toString('hex')}`);
    return {
      path,
      kafka: join(path, 'kafka'),
      log: join(path, 'log'),
      scratch: join(path, 'scratch'),
      afterKill: lock.tookOver,
      kek,
      adminKey,
      async writeConnection(connection) {
        await writeWhole(connectionPath, `${JSON.stringify(connection, null, 2)}\n`);
      },
      async [Symbol.asyncDispose]() {
        await rm(connectionPath, { force: true });
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function madeOnce(path: string, make: () => string): Promise<string> {
  try {
    const there = (await readFile(path, 'utf8')).trim();
    // An empty one was never used: nothing starts with it.
    if (there !== '') return there;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const made = make();
  await writeWhole(path, `${made}\n`);
  return made;
}

/** Writes a file for its owner alone. Whatever happens meanwhile, it is there whole or as it was before. */
async function writeWhole(path: string, text: string): Promise<void> {
  const aside = `${path}.new`;
  await writeFile(aside, text, { mode: 0o600, flush: true });
  await rename(aside, path);
}
