/** An issuer of tokens that a test plays: its keys, and whatever it signs with them. */
import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWTHeaderParameters, type JWTPayload } from 'jose';

export const ISSUER = 'https://issuer.example.com/';
export const AUDIENCE = 'https://postrider.example.com';

export interface IssuerKey {
  readonly kid: string;
  readonly alg: string;
  /** As it stands in the issuer's key set. */
  readonly jwk: JWK;
  readonly privateKey: CryptoKey;
}

/** A new key pair. */
export async function issuerKey(kid: string, alg = 'ES256'): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, privateKey };
}

/** What a token says where a test says nothing else; times in seconds from `now` (ms since the Unix epoch). */
export function claims(now: number, changes: JWTPayload = {}): JWTPayload {
  const seconds = Math.floor(now / 1_000);
  return { iss: ISSUER, aud: AUDIENCE, sub: 'alice', iat: seconds, exp: seconds + 600, ...changes };
}

/** A signed token; a claim that is undefined is left out. */
export function signed(
  { kid, alg, privateKey }: IssuerKey,
  payload: JWTPayload,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg, kid, typ: 'JWT', ...header }).sign(privateKey);
}

/** A token whose parts are these texts, with this signature. */
export function joined(header: string, payload: string, signature = Buffer.alloc(64)): string {
  const parts = [Buffer.from(header), Buffer.from(payload), signature];
  return parts.map((part) => part.toString('base64url')).join('.');
}
