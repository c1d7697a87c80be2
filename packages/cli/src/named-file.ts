import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CliError, exitCodes } from './cli-error.ts';

/** The text of a file that a flag or variable names, relative to `cwd`. Throws `CliError` that names both. */
export function readNamedFile(cwd: string, flag: string, file: string): string {
  try {
    return readFileSync(resolve(cwd, file), 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new CliError(exitCodes.usage, `${flag}: the file ${JSON.stringify(file)} cannot be read (${code}).`);
  }
}
