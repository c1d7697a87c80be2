import { createHash, timingSafeEqual } from 'node:crypto';
import { PostriderError, Secret } from '@postrider/core';
import type { ApiKeyConfig } from '@postrider/contract/postrider/v1/config';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { Principal } from './permissions.ts';

/** A key that may call the API, as it is printed: `prk_<id>_<secret>`. */
export interface ApiKey {
  readonly id: string;
  /** SHA-256 of the whole printed key. */
  readonly hash: Buffer;
}

const form = /^prk_([a-z0-9]{4,32})_([A-Za-z0-9]{24,128})$/;
/** Compared with when there is no such key, so that a wrong id takes as long as a wrong secret. */
const noHash = Buffer.alloc(32);

/**
 * Reads a printed key.
 * @throws PostriderError `key_invalid`, without showing it
 */
export function parseApiKey(printed: Secret): ApiKey {
  const text = printed.reveal();
  const id = form.exec(text)?.[1];
  if (id === undefined) {
    const wanted =
      'prk_<id>_<secret>, an id of 4–32 characters of a–z and 0–9 and a secret of 24–128 letters and digits';
    throw new PostriderError('key_invalid', `the API key must have the form ${wanted}`);
  }
  return { id, hash: createHash('sha256').update(text).digest() };
}

/**
 * Who calls, by the `authorization` metadata. Which of the possible reasons it was is not told to who fails.
 * @throws PostriderError `unauthenticated`
 */
export function authenticate(authorization: string, snapshot: ConfigSnapshot, nowMs: number): Principal {
  if (authorization === '') {
    throw new PostriderError('unauthenticated', 'send an API key: metadata "authorization: Bearer prk_…"');
  }
  const printed = /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  const key = form.test(printed) ? parseApiKey(new Secret(printed)) : null;
  const stored = key === null ? undefined : snapshot.apiKey(key.id);
  const given = key?.hash ?? createHash('sha256').update(printed).digest();
  const fits = timingSafeEqual(given, stored?.hash.length === given.length ? stored.hash : noHash);
  if (key === null || stored === undefined || !fits || isExpired(stored, nowMs)) {
    throw new PostriderError('unauthenticated', 'the API key is not valid');
  }
  return { actor: `api-key/${key.id}`, grants: [{ role: stored.role, tenant: stored.tenant }] };
}

function isExpired({ expireTime }: ApiKeyConfig, nowMs: number): boolean {
  return expireTime !== undefined && expireTime.getTime() <= nowMs;
}
