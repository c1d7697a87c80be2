import { hash } from 'node:crypto';
import { Secret } from './secret.ts';
import type { RandomBytes } from './ids.ts';

const form = /^prk_([a-z0-9]{4,32})_([A-Za-z0-9]{24,128})$/;
const idForm = /^[a-z0-9]{4,32}$/;
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const KEY_BYTES = 32;
/** Digits of 256 bits, and of the 32 of the checksum behind them. */
const SECRET_DIGITS = 43;
const CHECKSUM_DIGITS = 6;
const ID_BYTES = 8;
const ID_DIGITS = 13;

/** The id in a printed API key, `prk_<id>_<secret>`; null when it has another form. */
export function apiKeyId(text: string): string | null {
  return form.exec(text)?.[1] ?? null;
}

/** Whether a text may be the id of an API key. */
export function isApiKeyId(text: string): boolean {
  return idForm.test(text);
}

/** A new id for an API key: 13 characters of a–z and 0–9. */
export function newApiKeyId(random: RandomBytes): string {
  const number = random(ID_BYTES).readBigUInt64BE();
  return number.toString(36).padStart(ID_DIGITS, '0');
}

/** A new printed API key: 256 random bits, with a checksum by which a mistyped one can be told before it is sent. */
export function newApiKey(id: string, random: RandomBytes): Secret {
  const start = `prk_${id}_${base62(BigInt(`0x${random(KEY_BYTES).toString('hex')}`), SECRET_DIGITS)}`;
  return new Secret(start + checksum(start));
}

/**
 * Whether a text is no key at all, or looks like one that Postrider made and has another checksum, or was cut. For who holds
 * it only: a server answers such a key as it answers every other that opens nothing. Of keys that people made, with an id and
 * a length of their own choice, nothing can be told.
 */
export function isMistyped(text: string): boolean {
  const [, id, secret = ''] = form.exec(text) ?? [];
  if (id === undefined) return true;
  if (id.length !== ID_DIGITS && secret.length !== SECRET_DIGITS + CHECKSUM_DIGITS) return false;
  return checksum(text.slice(0, -CHECKSUM_DIGITS)) !== text.slice(-CHECKSUM_DIGITS);
}

function checksum(text: string): string {
  return base62(BigInt(`0x${hash('sha256', `checksum:${text}`, 'hex').slice(0, 8)}`), CHECKSUM_DIGITS);
}

function base62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = (digits[Number(rest % 62n)] ?? '') + text;
  return text;
}
