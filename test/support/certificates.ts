import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate and its key, PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** Subject alternative names as OpenSSL writes them; default `DNS:hook.example.com,IP:127.0.0.1`. */
  readonly names?: string;
  /** Days from now until it ends; default 2. Below 0: it has ended already. */
  readonly days?: number;
  /** Bits of an RSA key; absent: a key on P-256. */
  readonly rsaBits?: number;
}

/** A certificate authority made for one test; `dispose` removes its files. */
export interface TestAuthority extends AsyncDisposable {
  /** Its own certificate, PEM. */
  readonly ca: string;
  issue(commonName: string, options?: CertificateOptions): Promise<TestCertificate>;
}

const newKey = (rsaBits?: number): readonly string[] =>
  rsaBits === undefined
    ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    : ['-newkey', `rsa:${rsaBits}`, '-nodes'];

/** Makes an authority with the `openssl` of the PATH; its key never leaves its folder. */
export async function createTestAuthority(name = 'Test authority'): Promise<TestAuthority> {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-ca-'));
  const file = (base: string): string => join(folder, base);
  const openssl = (...args: string[]): Promise<unknown> => run('openssl', args);
  const request = ['req', '-x509', ...newKey(), '-days', '2', '-subj', `/CN=${name}`];
  await openssl(...request, '-keyout', file('ca.key'), '-out', file('ca.pem'));
  let issued = 0;
  return {
    ca: await readFile(file('ca.pem'), 'utf8'),
    async issue(commonName, { names = 'DNS:hook.example.com,IP:127.0.0.1', days = 2, rsaBits } = {}) {
      const base = String(++issued);
      const [key, csr, pem, extensions] = ['key', 'csr', 'pem', 'cnf'].map((end) => file(`${base}.${end}`));
      await writeFile(extensions ?? '', `subjectAltName=${names}\n`);
      await openssl('req', ...newKey(rsaBits), '-subj', `/CN=${commonName}`, '-keyout', key ?? '', '-out', csr ?? '');
      await openssl(
        ...['x509', '-req', '-in', csr ?? '', '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-set_serial', base],
        ...['-extfile', extensions ?? '', '-days', String(days), '-out', pem ?? ''],
      );
      return { cert: await readFile(pem ?? '', 'utf8'), key: await readFile(key ?? '', 'utf8') };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
