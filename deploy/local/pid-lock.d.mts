/** A held lock, or the process that holds it. */
export type Lock =
  | {
      readonly locked: true;
      /** The lock was left behind by a process that died: what it was doing may be half done. */
      readonly tookOver: boolean;
      /** Gives the lock up. Harmless when it is no longer ours. */
      release(): void;
    }
  | { readonly locked: false; readonly pid: number };

/**
 * Takes the lock at `path` (a symbolic link naming this process) or tells which running process holds it. A lock of a
 * process that runs no more is taken over. Throws the file system's error when the directory cannot be written.
 */
export function tryLock(path: string): Lock;
