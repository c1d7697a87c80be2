import { hostOf, isLoopback } from '@postrider/runtime';
import { CliError, exitCodes } from './cli-error.ts';
import { readNamedFile } from './named-file.ts';

/** What the command line or the environment says of TLS: files by their paths. */
export interface TlsFlags {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}

/** How the server is spoken to by TLS; PEM. */
export interface ServerTls {
  /** Authorities that are believed; absent: those that Node believes. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name that its certificate must bear; absent: the host. */
  readonly serverName?: string;
}

/** Where a server is, and how it is spoken to. */
export interface ServerAddress {
  /** `host:port`. */
  readonly server: string;
  /** Absent: plaintext. */
  readonly tls?: ServerTls;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Which variable stands for which flag. */
const variables = {
  ca: 'POSTRIDER_CA_FILE',
  cert: 'POSTRIDER_CERT_FILE',
  key: 'POSTRIDER_KEY_FILE',
  serverName: 'POSTRIDER_SERVER_NAME',
} as const;

/** What the flags say, and where they say nothing, the environment. */
export function tlsFlags(flags: TlsFlags, env: Env): TlsFlags {
  const names = Object.keys(variables) as (keyof typeof variables)[];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = flags[name] ?? env[variables[name]];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/**
 * Reads a server as people write it. Keys are not sent in plaintext to another machine by accident: a host that is not this
 * machine is spoken to by TLS, unless `http://` is written before it; this machine only with `https://` or a TLS flag.
 * Throws `CliError` for what contradicts itself, and for files that cannot be read.
 */
export function serverAddress(written: string, flags: TlsFlags, cwd: string): ServerAddress {
  const [, scheme, address = ''] = /^(https?:\/\/)?([^/]*?)\/?$/.exec(written) ?? [];
  if (address === '') throw usage(`--server: ${JSON.stringify(written)} is not host:port, with or without https://`);
  const { ca, cert, key, serverName } = flags;
  const isGiven = Object.keys(flags).length > 0;
  if (scheme === 'http://' && isGiven)
    throw usage('http:// is plaintext: --ca, --cert, --key and --server-name are of TLS');
  if ((cert === undefined) !== (key === undefined)) throw usage('--cert and --key go together');
  if (scheme === 'http://' || (scheme === undefined && !isGiven && isLoopback(hostOf(address))))
    return { server: address };
  const read = (flag: string, file: string | undefined) =>
    file === undefined ? undefined : readNamedFile(cwd, flag, file);
  const [caPem, certPem, keyPem] = [read('--ca', ca), read('--cert', cert), read('--key', key)];
  return {
    server: address,
    tls: {
      ...(caPem === undefined ? {} : { ca: caPem }),
      ...(certPem === undefined || keyPem === undefined ? {} : { cert: certPem, key: keyPem }),
      ...(serverName === undefined ? {} : { serverName }),
    },
  };
}

function usage(text: string): CliError {
  return new CliError(exitCodes.usage, `${text}.`);
}
