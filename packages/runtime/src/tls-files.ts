import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { envSecret, type EnvSecret } from './env-secret.ts';

/** Where what a server shows of itself stands, and whom it believes; all PEM. */
export interface TlsFiles {
  /** The server's certificate, the ones that vouch for it behind it. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Authorities whose servers this process believes when it calls one of its own kind; absent: those that Node believes. */
  readonly caFile?: string;
  /** Authorities whose clients are believed; absent: clients are not asked for a certificate. */
  readonly clientCaFile?: string;
}

/** What stands in those files, held against each other. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: EnvSecret;
  readonly ca?: string;
  readonly clientCa?: string;
  /** When the first of the chain stops being in force, ms since the Unix epoch. */
  readonly endsAt: number;
}

/** The oldest version of TLS that is spoken, by servers and to them. */
export const TLS_VERSION_MIN = 'TLSv1.2';

/** More than any chain and bundle of authorities takes. */
const fileBytesMax = 1_048_576;

/**
 * Reads the files, and makes sure that a server can be started with them.
 * @throws Error one sentence that names the file at fault; nothing of a key is in it
 */
export async function readTlsFiles({ certFile, keyFile, caFile, clientCaFile }: TlsFiles): Promise<TlsMaterial> {
  const [cert, key, ca, clientCa] = await Promise.all([
    readPem(certFile),
    readPem(keyFile),
    caFile === undefined ? undefined : readPem(caFile),
    clientCaFile === undefined ? undefined : readPem(clientCaFile),
  ]);
  const chain = certificatesIn(cert, certFile);
  if (caFile !== undefined) certificatesIn(ca ?? '', caFile);
  if (clientCaFile !== undefined) certificatesIn(clientCa ?? '', clientCaFile);
  checkPair(cert, key, { certFile, keyFile });
  if (caFile !== undefined) checkAuthorities(ca, caFile);
  if (clientCaFile !== undefined) checkAuthorities(clientCa, clientCaFile);
  return {
    cert,
    key: envSecret(key),
    ...(ca === undefined ? {} : { ca }),
    ...(clientCa === undefined ? {} : { clientCa }),
    endsAt: Math.min(...chain.map(({ validToDate }) => validToDate.getTime())),
  };
}

/** Whether two readings are of the same files. */
export function isSameTls(a: TlsMaterial, b: TlsMaterial): boolean {
  return a.cert === b.cert && a.key.reveal() === b.key.reveal() && a.ca === b.ca && a.clientCa === b.clientCa;
}

async function readPem(path: string): Promise<string> {
  const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${JSON.stringify(path)} cannot be read (${error.code ?? 'unknown error'})`, { cause: error });
  });
  if (content.length > fileBytesMax) throw new Error(`${JSON.stringify(path)} has more than ${fileBytesMax} bytes`);
  return content;
}

const certificateBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g;

function certificatesIn(pem: string, path: string): readonly X509Certificate[] {
  const blocks = pem.match(certificateBlock) ?? [];
  if (blocks.length === 0) throw new Error(`${JSON.stringify(path)} holds no certificate in PEM form`);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (error) {
    throw new Error(`${JSON.stringify(path)} holds a certificate that cannot be read`, { cause: error });
  }
}

/** What OpenSSL would refuse later it is asked now, here and below: a server would drop every connection then. */
function checkAuthorities(ca: string | undefined, path: string): void {
  try {
    createSecureContext({ ca });
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Error(`${JSON.stringify(path)} cannot be used (${code})`, { cause: error });
  }
}

function checkPair(cert: string, key: string, { certFile, keyFile }: TlsFiles): void {
  try {
    createSecureContext({ cert, key, minVersion: TLS_VERSION_MIN });
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const [certificate, keyName] = [JSON.stringify(certFile), JSON.stringify(keyFile)];
    const why =
      code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' ? 'is the key of another certificate' : `cannot be used (${code})`;
    throw new Error(`${keyName} with ${certificate} ${why}`, { cause: error });
  }
}
