import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TOPIC_PREFIX_DEFAULT } from '@postrider/kafka';
import { CliError, exitCodes } from './cli-error.ts';
import { readNamedSecret } from './named-file.ts';
import { serverAddress, tlsFlags, type TlsFlags } from './server-tls.ts';
import type { RpcOptions } from './rpc.ts';

/** Where an installation is, and how to be let in. */
export interface Connection {
  /** The gRPC server as a person writes it: `host:port`, with or without `https://` or `http://`. */
  readonly server: string;
  /** An API key or a JWT; empty: a client certificate says who calls. */
  readonly apiKey: string;
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  /** Of the server; where nothing is said of it here, `server` alone decides. */
  readonly tls?: TlsFlags;
}

/** What the command line said; each field overrides environment and file. */
export interface ConnectionFlags extends TlsFlags {
  readonly server?: string;
  readonly apiKey?: string;
  readonly apiKeyFile?: string;
  readonly brokers?: string;
  readonly topicPrefix?: string;
}

/** Written by a standalone installation while it runs, readable by its owner only. */
export const connectionFile = join('.postrider', 'connection.json');

/**
 * The connection: flags, else the environment (`POSTRIDER_SERVER`, `POSTRIDER_API_KEY` or `POSTRIDER_API_KEY_FILE`, `POSTRIDER_KAFKA_BROKERS`,
 * `POSTRIDER_TOPIC_PREFIX`, and for TLS those of `tlsFlags`), else the connection file of a standalone installation in this folder or one above it. The
 * file's API key goes with the file's server only.
 */
export function findConnection(
  flags: ConnectionFlags,
  variables: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Partial<Connection> {
  // A variable that is set to nothing says nothing.
  const env = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const file = readConnectionFile(cwd);
  const server = flags.server ?? env['POSTRIDER_SERVER'] ?? file.server;
  // The key in the file opens that installation alone, and is sent nowhere else.
  const keyOfFile = server === file.server ? file.apiKey : undefined;
  const apiKey = givenKey(flags, env, cwd) ?? keyOfFile;
  const brokers = splitList(flags.brokers ?? env['POSTRIDER_KAFKA_BROKERS']) ?? file.brokers;
  return {
    ...(server === undefined ? {} : { server }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(brokers === undefined ? {} : { brokers }),
    tls: tlsFlags(flags, env),
    topicPrefix: flags.topicPrefix ?? env['POSTRIDER_TOPIC_PREFIX'] ?? file.topicPrefix ?? TOPIC_PREFIX_DEFAULT,
  };
}

/** By the flags, else by the environment, and of each rather itself than in a file. */
function givenKey(
  { apiKey, apiKeyFile }: ConnectionFlags,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): string | undefined {
  if (apiKey !== undefined && apiKeyFile !== undefined)
    throw new CliError(exitCodes.usage, 'Give the API key once: --api-key or --api-key-file.');
  if (apiKey?.trim() === '') throw new CliError(exitCodes.usage, '--api-key: the key is empty.');
  if (apiKey !== undefined) return apiKey;
  if (apiKeyFile !== undefined) return readNamedSecret(cwd, '--api-key-file', apiKeyFile);
  const { POSTRIDER_API_KEY: key, POSTRIDER_API_KEY_FILE: file } = env;
  if (key !== undefined) return key;
  return file === undefined ? undefined : readNamedSecret(cwd, 'POSTRIDER_API_KEY_FILE', file);
}

/** The parts that a gRPC command needs. Throws `CliError` saying how to give what is missing, or what cannot be used. */
export function requireServer({ server, apiKey, tls = {} }: Partial<Connection>, cwd: string): RpcOptions {
  if (server === undefined) throw missing('which server to talk to', '--server host:port', 'POSTRIDER_SERVER');
  if (apiKey === undefined && tls.cert === undefined)
    throw missing('an API key', '--api-key prk_… or --api-key-file', 'POSTRIDER_API_KEY');
  return { ...serverAddress(server, tls, cwd), apiKey: apiKey ?? '' };
}

/** The parts that a Kafka command needs. Throws `CliError` saying how to give what is missing. */
export function requireBrokers(connection: Partial<Connection>): Pick<Connection, 'brokers' | 'topicPrefix'> {
  const { brokers, topicPrefix } = connection;
  if (brokers === undefined || brokers.length === 0)
    throw missing('which Kafka brokers to talk to', '--brokers host:port,…', 'POSTRIDER_KAFKA_BROKERS');
  return { brokers, topicPrefix: topicPrefix ?? TOPIC_PREFIX_DEFAULT };
}

function missing(what: string, flag: string, variable: string): CliError {
  return new CliError(
    exitCodes.usage,
    `I do not know ${what}: give ${flag}, set ${variable}, or start a standalone installation here with "npm start".`,
  );
}

function readConnectionFile(cwd: string): Partial<Connection> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const path = join(folder, connectionFile);
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as Partial<Connection>;
    } catch (error) {
      if (error instanceof SyntaxError)
        throw new CliError(exitCodes.usage, `${path} is damaged; stop and start the installation again.`, {
          cause: error,
        });
    }
    if (dirname(folder) === folder) return {};
  }
}

function splitList(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
