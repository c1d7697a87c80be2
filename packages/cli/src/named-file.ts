import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CliError, exitCodes } from './cli-error.ts';

/** The text of a file that a flag or variable names, relative to `cwd`. Throws `CliError` that names both; so for an empty file. */
export function readNamedFile(cwd: string, flag: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(resolve(cwd, file), 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new CliError(exitCodes.usage, `${flag}: the file ${JSON.stringify(file)} cannot be read (${code}).`);
  }
  // Nothing would mean that nothing was given: a secret is generated then, or the stored one meant.
  if (text.trim() !== '') return text;
  throw new CliError(exitCodes.usage, `${flag}: the file ${JSON.stringify(file)} is empty.`);
}

/** The one line of such a file, without the line break that editors end it with. */
export function readNamedSecret(cwd: string, flag: string, file: string): string {
  return readNamedFile(cwd, flag, file).replace(/\r?\n$/, '');
}
