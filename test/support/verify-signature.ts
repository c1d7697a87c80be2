import { createPublicKey, verify as verifyEd25519, type KeyObject } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

const ed25519SpkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** Verifies as a customer would: `v1` with the official Standard Webhooks library, `v1a` with Node's own ed25519. */
export type VerifySignature = (headers: Record<string, string>, body: Buffer) => 'valid' | string;

/** @param key `whsec_…` (shared secret) or `whpk_…` (ed25519 public key) */
export function signatureVerifier(key: string): VerifySignature {
  if (key.startsWith('whpk_')) return asymmetric(key);
  const official = new Webhook(key);
  return (headers, body) => {
    try {
      official.verify(body, headers, { jsonParse: false });
      return 'valid';
    } catch (error) {
      return (error as Error).message;
    }
  };
}

function asymmetric(key: string): VerifySignature {
  const der = Buffer.concat([ed25519SpkiPrefix, Buffer.from(key.slice('whpk_'.length), 'base64')]);
  const publicKey: KeyObject = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return (headers, body) => {
    const signed = Buffer.concat([Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`), body]);
    const signatures = (headers['webhook-signature'] ?? '').split(' ').filter((part) => part.startsWith('v1a,'));
    if (signatures.length === 0) return 'no v1a signature';
    const good = signatures.some((part) =>
      verifyEd25519(null, signed, publicKey, Buffer.from(part.slice(4), 'base64')),
    );
    return good ? 'valid' : 'wrong v1a signature';
  };
}
