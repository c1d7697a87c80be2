import { Secret } from '@postrider/core';

/** A Redis, and how to log in to it. */
export interface RedisTarget {
  readonly host: string;
  readonly port: number;
  /** Empty: the default user. */
  readonly username: string;
  /** Null: none is asked for. */
  readonly password: Secret | null;
  readonly database: number;
  readonly tls: boolean;
}

const PORT_DEFAULT = 6_379;

/**
 * Reads `redis://[user[:password]@]host[:port][/database]`; `rediss://` is TLS.
 * @throws TypeError that says what is wrong without showing any of it: the text holds a password
 */
export function parseRedisUrl(text: string): RedisTarget {
  const url = URL.parse(text);
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '')
    throw new TypeError('it is not of the form redis://host:port or rediss://host:port');
  // Some clients take further settings from there. Here they would be ignored, so they are not accepted.
  if (url.search !== '' || url.hash !== '') throw new TypeError('it must have no query and no fragment');
  const database = /^\/?(\d{0,4})$/.exec(url.pathname)?.[1];
  if (database === undefined) throw new TypeError('what follows the host is not the number of a database');
  const password = decoded(url.password);
  return Object.freeze({
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? PORT_DEFAULT : Number(url.port),
    username: decoded(url.username),
    password: password === '' ? null : new Secret(password),
    database: Number(database),
    tls: url.protocol === 'rediss:',
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError('its user or password holds a % that encodes nothing; write %25 for the character itself');
  }
}
