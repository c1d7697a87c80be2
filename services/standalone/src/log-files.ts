import { closeSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger, type Logger, type LogLevel } from '@postrider/runtime';

/** A log that grows beyond this becomes `<name>.log.1`, and the one before it goes. */
export const logBytesMax = 32 * 1024 * 1024;

/** Loggers that write JSON lines to a file of their own. */
export interface LogFiles extends Disposable {
  logger(name: string): Logger;
}

/** Log files in `directory`, appended to. A full disk loses lines and stops nothing. */
export function openLogFiles(directory: string, level: LogLevel, bytesMax = logBytesMax): LogFiles {
  const files: Disposable[] = [];
  return {
    logger(name) {
      const file = openLogFile(join(directory, `${name}.log`), bytesMax);
      files.push(file);
      return createLogger(name, { level, write: file.write });
    },
    [Symbol.dispose]() {
      for (const file of files.splice(0)) file[Symbol.dispose]();
    },
  };
}

function openLogFile(path: string, bytesMax: number): Disposable & { write(line: string): void } {
  let descriptor = openSync(path, 'a', 0o600);
  let bytes = statSync(path).size;
  let closed = false;
  const rotate = (): void => {
    closeSync(descriptor);
    renameSync(path, `${path}.1`);
    descriptor = openSync(path, 'a', 0o600);
    bytes = 0;
  };
  return {
    write(line) {
      if (closed) return;
      try {
        if (bytes > bytesMax) rotate();
        bytes += writeSync(descriptor, line);
      } catch {
        // Nowhere is left to tell it, and deliveries matter more.
      }
    },
    [Symbol.dispose]() {
      if (!closed) closeSync(descriptor);
      closed = true;
    },
  };
}
