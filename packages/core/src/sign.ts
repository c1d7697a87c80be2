import { PostriderError } from './errors.ts';
import type { SigningKey, VerifyingKey } from './signing-key.ts';

/**
 * The value of `webhook-signature` (https://www.standardwebhooks.com): one signature per key over
 * `<webhook-id>.<timestamp>.<body>`, separated by spaces. The body is signed as the bytes that are sent.
 * @param keys the active keys, newest first, at least one: nothing ever leaves unsigned
 * @param timestampSeconds whole seconds since the Unix epoch, as sent in `webhook-timestamp`
 * @throws PostriderError `internal` when it is called without a key or with an id that would make the signed text
 *   ambiguous
 */
export function sign(
  keys: readonly SigningKey[],
  webhookId: string,
  timestampSeconds: number,
  body: Uint8Array,
): string {
  const head = signedHead(webhookId, timestampSeconds);
  const first = keys[0];
  if (first === undefined) throw new PostriderError('internal', 'there is no active signing key');
  let value = first.sign(head, body);
  for (let i = 1; i < keys.length; i++) value += ` ${keys[i]?.sign(head, body) ?? ''}`;
  return value;
}

/**
 * Whether one of the header's signatures was made with one of the keys. Signatures of unknown versions are skipped, as
 * the specification asks; each of a known one is compared whole and in constant time. The caller judges the
 * timestamp's age.
 * @param header value of `webhook-signature`
 */
export function verify(
  keys: readonly VerifyingKey[],
  webhookId: string,
  timestampSeconds: number,
  body: Uint8Array,
  header: string,
): boolean {
  const head = signedHead(webhookId, timestampSeconds);
  for (const part of header.split(' ')) {
    const comma = part.indexOf(',');
    const scheme = part.slice(0, comma);
    const text = part.slice(comma + 1);
    const signature = Buffer.from(text, 'base64');
    if (comma < 0 || signature.toString('base64') !== text) continue;
    if (keys.some((key) => key.scheme === scheme && key.verify(head, body, signature))) return true;
  }
  return false;
}

function signedHead(webhookId: string, timestampSeconds: number): string {
  if (webhookId === '' || webhookId.includes('.')) {
    throw new PostriderError('internal', 'a webhook-id must not be empty or hold a dot');
  }
  if (!Number.isSafeInteger(timestampSeconds)) {
    throw new PostriderError('internal', 'a webhook-timestamp is whole seconds');
  }
  return `${webhookId}.${timestampSeconds}.`;
}
