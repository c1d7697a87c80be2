import { readFile } from 'node:fs/promises';
import { Secret } from '@postrider/core';

/** How a proxy knows us: HTTP Basic, with a password that stands in a file and may be another one there at any time. */
export interface ProxyCredentials {
  /** Value of `proxy-authorization`, as of now. */
  readonly authorization: Secret;
  /** Reads the file again; whether it holds another password. One that cannot be read, or is empty, changes nothing. */
  refresh(): Promise<boolean>;
}

/**
 * Credentials with the password that the file had when it was read first.
 * @param username without a colon (RFC 7617)
 */
export function proxyCredentials(username: string, passwordFile: string, password: string): ProxyCredentials {
  let authorization = authorizationOf(username, password);
  let reading = false;
  return {
    get authorization() {
      return authorization;
    },
    async refresh() {
      if (reading) return false;
      reading = true;
      const text = await readFile(passwordFile, 'utf8').catch(() => null);
      reading = false;
      // Whoever writes it anew empties it first.
      if (text === null || text === '') return false;
      const next = authorizationOf(username, text);
      if (next.reveal() === authorization.reveal()) return false;
      authorization = next;
      return true;
    },
  };
}

/** One line break at the end of the file is no part of the password. */
function authorizationOf(username: string, password: string): Secret {
  const pair = `${username}:${password.replace(/\r?\n$/, '')}`;
  return new Secret(`Basic ${Buffer.from(pair, 'utf8').toString('base64')}`);
}
