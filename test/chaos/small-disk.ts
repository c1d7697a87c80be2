import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A file system of its own that can be filled to the last byte. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  fill(): Promise<void>;
  /** Frees what `fill` took. */
  free(): Promise<void>;
}

const run = promisify(execFile);
const MIB = 1_024 * 1_024;

/** Mounts a file system in memory; null where this process may not mount. */
export async function mountSmallDisk(sizeMiB: number): Promise<SmallDisk | null> {
  const path = await mkdtemp(join(tmpdir(), 'postrider-disk-'));
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', path]).then(
    () => true,
    () => false,
  );
  if (!mounted) {
    await rmdir(path);
    return null;
  }
  const ballast = join(path, 'ballast');
  return {
    path,
    async fill() {
      await using file = await open(ballast, 'a');
      // Large pieces first, then what is left of the last one.
      for (const piece of [MIB, 4_096, 1])
        for (let full = false; !full;)
          full = await file.write(Buffer.alloc(piece)).then(
            ({ bytesWritten }) => bytesWritten < piece,
            (error: NodeJS.ErrnoException) => {
              if (error.code !== 'ENOSPC') throw error;
              return true;
            },
          );
    },
    free: () => rm(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      await run('umount', [path]);
      await rmdir(path);
    },
  };
}
