import { readFileSync } from 'node:fs';
import { duration, list, parsed, readableFile, text, together, url } from '@postrider/runtime';
import { MINUTE_MS } from '../server-limits.ts';
import type { Env, EnvValues } from '@postrider/runtime';

/** Signatures that a public key verifies. None that a shared secret makes: who could verify those could make them, too. */
const algorithmsKnown = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** Where the keys of an issuer stand. */
export type KeysAt =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'url'; readonly url: URL; readonly ca?: string };

/** Whose tokens are believed, and when. */
export interface JwtSettings {
  readonly issuer: string;
  /** A token must be for one of them. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly keys: KeysAt;
  /** The claim that lists the groups of its subject; absent: groups do not count. */
  readonly groupsClaim?: string;
  /** How far our clock and the issuer's may be apart. */
  readonly clockSkewMs: number;
}

const ISSUER = 'POSTRIDER_JWT_ISSUER';
const AUDIENCES = 'POSTRIDER_JWT_AUDIENCES';
const FILE = 'POSTRIDER_JWT_JWKS_FILE';
const URL_VARIABLE = 'POSTRIDER_JWT_JWKS_URL';
const CA = 'POSTRIDER_JWT_JWKS_CA_FILE';

/** The settings of JWTs; a group of the control plane's spec. */
export const jwtEnv = {
  issuer: text(ISSUER, {
    optional: true,
    defaultShown: 'no tokens are believed',
    says: 'The `iss` of the [tokens](../api/access.md#tokens) that are believed, to the letter.',
  }),
  audiences: list(AUDIENCES, { optional: true, says: 'One of these must be in `aud`; needed with an issuer.' }),
  file: readableFile(FILE, { says: 'Public keys of the issuer, a JSON Web Key Set; this or the URL.' }),
  url: url(URL_VARIABLE, { optional: true, schemes: ['https'], says: 'Where these keys stand.' }),
  ca: parsed(
    text(CA, {
      optional: true,
      hint: 'path of a file',
      defaultShown: 'those that Node believes',
      says: 'Authorities that vouch for that URL, PEM.',
    }),
    (path) => (path === undefined ? undefined : readFileSync(path, 'utf8')),
  ),
  algorithms: parsed(
    list('POSTRIDER_JWT_ALGORITHMS', {
      default: ['RS256', 'ES256'],
      says: `Signatures that are believed, some of ${algorithmsKnown.join(', ')}.`,
    }),
    (names) => {
      const unknown = names.find((name) => !algorithmsKnown.includes(name));
      if (unknown !== undefined) throw new RangeError(`${unknown} is none of ${algorithmsKnown.join(', ')}`);
      return names;
    },
  ),
  groupsClaim: text('POSTRIDER_JWT_GROUPS_CLAIM', {
    optional: true,
    defaultShown: 'groups do not count',
    says: 'The claim that lists the groups of its subject, `groups` for example; at most 100 count, and none with spaces in its name.',
  }),
  clockSkewMs: duration('POSTRIDER_JWT_CLOCK_SKEW', {
    default: MINUTE_MS / 2,
    max: 5 * MINUTE_MS,
    says: "How far the issuer's clock may be off.",
  }),
  isWhole: together(problemOf),
} as const;

/** Undefined: no tokens are believed. */
export function jwtSettings(values: EnvValues<typeof jwtEnv>): JwtSettings | undefined {
  const { issuer, audiences, file, url: at, ca, algorithms, groupsClaim, clockSkewMs } = values;
  if (issuer === undefined || audiences === undefined) return undefined;
  const claim = groupsClaim === undefined ? {} : { groupsClaim };
  const settings = { issuer, audiences, algorithms, clockSkewMs, ...claim };
  if (file !== undefined) return { ...settings, keys: { kind: 'file', path: file } };
  if (at === undefined) return undefined;
  return { ...settings, keys: { kind: 'url', url: at, ...(ca === undefined ? {} : { ca }) } };
}

/** What these variables say together. */
function problemOf(env: Env): { readonly variable: string; readonly detail: string } | null {
  const isSet = (variable: string): boolean => env[variable] !== undefined;
  const [first] = Object.keys(env).filter((name) => name.startsWith('POSTRIDER_JWT_') && isSet(name));
  if (first === undefined) return null;
  const missing = [ISSUER, AUDIENCES].find((variable) => !isSet(variable));
  if (missing !== undefined) return { variable: missing, detail: `is missing; ${first} needs it` };
  if (isSet(FILE) === isSet(URL_VARIABLE)) {
    const detail = isSet(FILE) ? `and ${URL_VARIABLE} are both set; set one` : `(or ${URL_VARIABLE}) is missing`;
    return { variable: FILE, detail };
  }
  return isSet(CA) && isSet(FILE) ? { variable: CA, detail: `is for ${URL_VARIABLE}, which is not set` } : null;
}
