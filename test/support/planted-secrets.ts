import assert from 'node:assert/strict';
import { createPrivateKey, randomBytes } from 'node:crypto';
import type { Canary } from './canaries.ts';
import type { TestAuthority, TestCertificate } from './certificates.ts';

/** What is planted, in the form in which it is given. */
export interface Planted {
  readonly password: string;
  readonly clientSecret: string;
  readonly header: string;
  readonly bearer: string;
  readonly proxyPassword: string;
  readonly redisPassword: string;
  readonly kek: Buffer;
  readonly signing: readonly [Buffer, Buffer];
  readonly client: TestCertificate;
}

/** A secret of every kind, some with characters that URLs, forms and JSON write otherwise. */
export async function plantedSecrets(authority: TestAuthority): Promise<Planted> {
  const text = (what: string): string => `${what}/+'c4nary ${randomBytes(6).toString('hex')}`;
  return {
    ...{ password: text('password'), clientSecret: text('client'), header: text('header') },
    bearer: `token-${randomBytes(12).toString('hex')}`,
    ...{ proxyPassword: text('proxy'), redisPassword: `redis-${randomBytes(8).toString('hex')}` },
    kek: randomBytes(32),
    signing: [randomBytes(32), randomBytes(32)],
    client: await authority.issue('me'),
  };
}

/** A symmetric signing secret as it is printed. */
export const printed = (secret: Buffer): string => `whsec_${secret.toString('base64')}`;

/** What to look for: the planted ones, the access token of the token server, and `texts` besides, by what they are. */
export function canariesOf(planted: Planted, texts: Readonly<Record<string, string>>): Canary[] {
  const { password, clientSecret, header, bearer, proxyPassword, redisPassword, kek, signing, client } = planted;
  const all = { password, clientSecret, header, bearer, proxyPassword, redisPassword, ...texts };
  const key = createPrivateKey(client.key).export({ format: 'jwk' }).d ?? assert.fail();
  return [
    ...Object.entries(all).map(([what, value]) => ({ what, bytes: Buffer.from(value) })),
    ...signing.flatMap((bytes, at) => [
      { what: `signing secret ${at}`, bytes },
      { what: `signing secret ${at}, printed`, bytes: Buffer.from(printed(bytes)) },
    ]),
    { what: 'access token', bytes: Buffer.from('token-c4nary-1') },
    { what: 'client key', bytes: Buffer.from(key, 'base64url') },
    { what: 'key-encryption key', bytes: kek },
  ];
}

/** A generated signing secret, by its bytes. */
export function generatedCanary(value: string): Canary {
  return { what: 'generated signing secret', bytes: Buffer.from(value.slice('whsec_'.length), 'base64') };
}
