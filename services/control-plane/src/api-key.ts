import { hash } from 'node:crypto';
import { apiKeyId, PostriderError, type Secret } from '@postrider/core';

/** A key that may call the API, as it is kept: `prk_<id>_<secret>` is its printed form. */
export interface ApiKey {
  readonly id: string;
  /** SHA-256 of the whole printed key. */
  readonly hash: Buffer;
}

/**
 * The hash that stands for a printed key. A fast one: a key made here holds 256 random bits, which cannot be guessed at any
 * speed. Slow hashes are for what people can remember; here they would only let strangers burn our time.
 */
export function hashApiKey(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

/**
 * Reads a printed key.
 * @throws PostriderError `key_invalid`, without showing it
 */
export function parseApiKey(printed: Secret): ApiKey {
  const text = printed.reveal();
  const id = apiKeyId(text);
  if (id === null) {
    const wanted =
      'prk_<id>_<secret>, an id of 4–32 characters of a–z and 0–9 and a secret of 24–128 letters and digits';
    throw new PostriderError('key_invalid', `the API key must have the form ${wanted}`);
  }
  return { id, hash: hashApiKey(text) };
}
