import { CliError, exitCodes } from './cli-error.ts';
import { readNamedSecret } from './named-file.ts';

/** What `--secret` and `--secret-file` say. */
export interface SecretOptions {
  readonly secret?: string;
  readonly secretFile?: string;
}

/** The secret that the options give; undefined: none. Throws `CliError` for an empty one, and for two. */
export function secretOf({ secret, secretFile }: SecretOptions, cwd: string): string | undefined {
  if (secret !== undefined && secretFile !== undefined)
    throw new CliError(exitCodes.usage, 'Give the secret once: --secret or --secret-file.');
  if (secret?.trim() === '') throw new CliError(exitCodes.usage, '--secret: the secret is empty.');
  return secretFile === undefined ? secret : readNamedSecret(cwd, '--secret-file', secretFile);
}
