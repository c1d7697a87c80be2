import { boolean, hostOf, isLoopback, oneOf, readableFile, text, together } from '@postrider/runtime';
import type { Env, EnvValues, TlsFiles } from '@postrider/runtime';

const CERT = 'POSTRIDER_GRPC_TLS_CERT_FILE';
const KEY = 'POSTRIDER_GRPC_TLS_KEY_FILE';
const PLAINTEXT = 'POSTRIDER_GRPC_PLAINTEXT';
const HOST = 'POSTRIDER_GRPC_HOST';

/** How the API's listener is protected. */
export interface ApiTls {
  readonly files: TlsFiles;
  /** Whether who shows no certificate, or one that is not believed, is let in all the same: it has to show a key then. */
  readonly clients: 'optional' | 'required';
  /** The name that the certificate of every replica bears; absent: the host of its address. */
  readonly serverName?: string;
}

/** The settings of TLS on the API; a group of the control plane's spec. The files are read again while it runs. */
export const tlsEnv = {
  cert: readableFile(CERT, {
    defaultShown: 'no TLS',
    says: 'The certificate of the API with its chain, PEM: [TLS](../api/access.md#tls). Files of TLS are read again while it runs.',
  }),
  key: readableFile(KEY, { says: 'Its key, PEM.' }),
  ca: readableFile('POSTRIDER_GRPC_TLS_CA_FILE', {
    defaultShown: 'those that Node believes',
    says: 'Authorities by which replicas believe each other, PEM.',
  }),
  serverName: text('POSTRIDER_GRPC_TLS_SERVER_NAME', {
    optional: true,
    pattern: /^[A-Za-z0-9.:_-]{1,253}$/,
    hint: 'a host name or address',
    defaultShown: 'the host of their address',
    says: 'The name in the certificate by which replicas call each other.',
  }),
  clientCa: readableFile('POSTRIDER_GRPC_TLS_CLIENT_CA_FILE', {
    defaultShown: 'no certificate is asked for',
    says: 'Authorities whose clients are believed by their certificates, PEM.',
  }),
  clients: oneOf('POSTRIDER_GRPC_TLS_CLIENTS', ['optional', 'required'], {
    optional: true,
    defaultShown: '`optional`',
    says: "`required`: who shows no certificate of theirs is not even heard; a replica's own must then be good as a client's.",
  }),
  plaintext: boolean(PLAINTEXT, {
    default: false,
    says: 'Speaks plaintext to other machines, too, where something else encrypts: keys travel in it.',
  }),
  isWhole: together(problemOf),
} as const;

/** Undefined: the API speaks no TLS. */
export function apiTls(values: EnvValues<typeof tlsEnv>): ApiTls | undefined {
  const { cert: certFile, key: keyFile, ca: caFile, clientCa: clientCaFile, clients = 'optional', serverName } = values;
  if (certFile === undefined || keyFile === undefined) return undefined;
  const believed = {
    ...(caFile === undefined ? {} : { caFile }),
    ...(clientCaFile === undefined ? {} : { clientCaFile }),
  };
  const files = { certFile, keyFile, ...believed };
  return { files, clients, ...(serverName === undefined ? {} : { serverName }) };
}

/** What these variables say together. */
function problemOf(env: Env): { readonly variable: string; readonly detail: string } | null {
  const isSet = (variable: string): boolean => env[variable] !== undefined;
  const missing = (variable: string, by: string) => ({ variable, detail: `is missing; ${by} needs it` });
  if (isSet(CERT) !== isSet(KEY)) return isSet(CERT) ? missing(KEY, CERT) : missing(CERT, KEY);
  const rest = Object.keys(env).find((name) => name.startsWith('POSTRIDER_GRPC_TLS_') && isSet(name));
  if (!isSet(CERT) && rest !== undefined) return missing(CERT, rest);
  if (isSet('POSTRIDER_GRPC_TLS_CLIENTS') && !isSet('POSTRIDER_GRPC_TLS_CLIENT_CA_FILE'))
    return missing('POSTRIDER_GRPC_TLS_CLIENT_CA_FILE', 'POSTRIDER_GRPC_TLS_CLIENTS');
  const isPlain = env[PLAINTEXT] === 'true';
  if (isPlain && isSet(CERT)) return { variable: PLAINTEXT, detail: `is true, but ${CERT} is set` };
  if (isPlain || isSet(CERT) || isLoopback(hostOf(env[HOST] ?? '127.0.0.1'))) return null;
  const told = `lets others than this machine call, and their keys would travel in plaintext: set ${CERT} and ${KEY}, or ${PLAINTEXT}=true where something else encrypts`;
  return { variable: HOST, detail: told };
}
