import { CliError } from '@postrider/cli';

/**
 * What to do when the API refuses the key that stands in the data folder; undefined for every other failure.
 * @param dataDir the folder as a person would type it
 */
export function refusedKeyWords(error: unknown, dataDir: string): string | undefined {
  if (!(error instanceof CliError) || error.report.code !== 'UNAUTHENTICATED') return undefined;
  const file = `${dataDir}/admin-key`;
  // Another id: that of a deleted key is never used again.
  return `the API key in ${file} opens nothing any more: it was revoked or deleted, or it has ended. To get in again, put a key with an id of its own there, and start anew:
  echo "prk_admin$(openssl rand -hex 4)_$(openssl rand -hex 24)" > ${file}`;
}
