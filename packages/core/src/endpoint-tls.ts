import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto';
import type { EndpointTls } from '@postrider/contract/postrider/v1/endpoint';
import type { FieldViolation } from './errors.ts';
import { limits } from './limits.ts';

const certificateBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g;
const keyBlock =
  /^-----BEGIN (?:(?:RSA|EC) )?PRIVATE KEY-----[A-Za-z0-9+/=\s]*-----END (?:(?:RSA|EC) )?PRIVATE KEY-----$/;

/**
 * What is wrong with an endpoint's TLS, all of it: every certificate must be readable and in force, and the key must be
 * the one of the client certificate. The key is never shown; an empty one is not judged here: it may be stored already.
 * @param now ms since the Unix epoch
 * @param field path in the request, for example `endpoint.tls`
 */
export function validateEndpointTls(tls: EndpointTls | undefined, now: number, field: string): FieldViolation[] {
  if (tls === undefined) return [];
  const { caPem, clientCertificatePem, clientKeyPem, minVersion } = tls;
  const violations: FieldViolation[] = [];
  const add = (part: string, description: string): void => {
    violations.push({ field: `${field}.${part}`, description });
  };
  if (minVersion === 'UNRECOGNIZED') add('min_version', 'has a value that this version does not know');
  for (const [part, pem] of [
    ['ca_pem', caPem],
    ['client_certificate_pem', clientCertificatePem],
  ] as const) {
    const problem = pem === '' ? null : chainProblem(pem, now);
    if (problem !== null) add(part, problem);
  }
  if (clientKeyPem === '') return violations;
  const key = readKey(clientKeyPem);
  const [leaf] = readChain(clientCertificatePem) ?? [];
  if (typeof key === 'string') add('client_key_pem', key);
  else if (clientCertificatePem === '') add('client_certificate_pem', 'must be set when client_key_pem is');
  else if (leaf !== undefined && !leaf.checkPrivateKey(key)) {
    add('client_key_pem', 'is not the key of the first certificate in client_certificate_pem');
  }
  return violations;
}

/**
 * When what an endpoint is shown of us stops being in force: the first end among the certificates of
 * `client_certificate_pem`, ms since the Unix epoch. Null: there are none that can be read.
 */
export function clientCertificateEnd(pem: string): number | null {
  const ends = (readChain(pem) ?? []).map(({ validToDate }) => validToDate.getTime());
  return ends.length === 0 ? null : Math.min(...ends);
}

function chainProblem(pem: string, now: number): string | null {
  if (Buffer.byteLength(pem) > limits.tlsPemBytesMax) return `has more than ${limits.tlsPemBytesMax} bytes`;
  const chain = readChain(pem);
  if (chain === null) return 'must be certificates in PEM form, and nothing else';
  if (chain.length > limits.tlsCertificatesMax) return `has more than ${limits.tlsCertificatesMax} certificates`;
  for (const [index, { validFromDate, validToDate }] of chain.entries()) {
    const which = chain.length === 1 ? 'the certificate' : `certificate ${index + 1}`;
    if (validToDate.getTime() <= now) return `${which} has expired: it was valid until ${validToDate.toISOString()}`;
    if (validFromDate.getTime() > now + limits.clocksApartMaxMs) {
      return `${which} is not valid yet: it begins at ${validFromDate.toISOString()}`;
    }
  }
  return null;
}

/** The certificates of a text that holds nothing else; null if it holds none, something else, or one that is broken. */
function readChain(pem: string): X509Certificate[] | null {
  const blocks = pem.match(certificateBlock) ?? [];
  // A key among the certificates would be stored, and shown, like them.
  if (blocks.length === 0 || pem.replace(certificateBlock, '').trim() !== '') return null;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return null;
  }
}

/** The key, or what is wrong with it. */
function readKey(pem: string): KeyObject | string {
  if (Buffer.byteLength(pem) > limits.tlsPemBytesMax) return `has more than ${limits.tlsPemBytesMax} bytes`;
  if (/ENCRYPTED/.test(pem)) return 'is encrypted by a passphrase; give it without';
  if (!keyBlock.test(pem.trim())) return 'must be one private key in PEM form, and nothing else';
  try {
    return createPrivateKey(pem);
  } catch {
    return 'is not a private key that can be read';
  }
}
