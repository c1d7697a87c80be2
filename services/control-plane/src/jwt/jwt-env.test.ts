import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EnvError } from '@postrider/runtime';
import { readControlPlaneConfig } from '../config.ts';

const least = { POSTRIDER_KAFKA_BROKERS: 'a:9092', POSTRIDER_KEK: `${'ab'.repeat(31)}0f` };
const file = import.meta.filename;
const POSTRIDER_JWT_JWKS_URL = 'https://issuer.example.com/keys';
const who = { POSTRIDER_JWT_ISSUER: 'https://issuer.example.com', POSTRIDER_JWT_AUDIENCES: 'a, b' };

function problems(env: Record<string, string>): readonly string[] {
  try {
    readControlPlaneConfig({ ...least, ...env });
  } catch (error) {
    if (error instanceof EnvError) return error.problems;
    throw error;
  }
  return [];
}

test('what belongs together comes together, and only signatures by public keys can be asked for', () => {
  const rows: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ POSTRIDER_JWT_ISSUER: 'x' }, /^POSTRIDER_JWT_AUDIENCES is missing; POSTRIDER_JWT_ISSUER needs it$/],
    [{ POSTRIDER_JWT_JWKS_URL }, /^POSTRIDER_JWT_ISSUER is missing; POSTRIDER_JWT_JWKS_URL needs it$/],
    [who, /^POSTRIDER_JWT_JWKS_FILE \(or POSTRIDER_JWT_JWKS_URL\) is missing$/],
    [{ ...who, POSTRIDER_JWT_JWKS_URL, POSTRIDER_JWT_JWKS_FILE: file }, /^POSTRIDER_JWT_JWKS_FILE and .* are both set/],
    [{ ...who, POSTRIDER_JWT_JWKS_FILE: file, POSTRIDER_JWT_JWKS_CA_FILE: file }, /^POSTRIDER_JWT_JWKS_CA_FILE is for/],
    [{ ...who, POSTRIDER_JWT_JWKS_FILE: '/no/such' }, /^POSTRIDER_JWT_JWKS_FILE cannot be used: ENOENT/],
    [
      { ...who, POSTRIDER_JWT_JWKS_URL: 'http://issuer.example.com' },
      /^POSTRIDER_JWT_JWKS_URL is not a URL with scheme https/,
    ],
    [{ ...who, POSTRIDER_JWT_JWKS_URL: 'https://u:p@issuer.example.com' }, /must not hold a user name or password/],
    [{ ...who, POSTRIDER_JWT_JWKS_URL, POSTRIDER_JWT_CLOCK_SKEW: '6m' }, /^POSTRIDER_JWT_CLOCK_SKEW is "6m", above/],
  ];
  for (const [env, problem] of rows) {
    const told = problems(env);
    assert.equal(told.length, 1, told.join('\n'));
    assert.match(told[0] ?? '', problem);
  }
  for (const name of ['none', 'HS256', 'HS512', 'RSA-OAEP', 'es256', 'A256KW']) {
    const [problem = ''] = problems({ ...who, POSTRIDER_JWT_JWKS_URL, POSTRIDER_JWT_ALGORITHMS: `ES256,${name}` });
    assert.match(problem, /^POSTRIDER_JWT_ALGORITHMS cannot be used: \S+ is none of RS256, /);
  }
});

test('what is said of tokens arrives', () => {
  assert.equal(readControlPlaneConfig(least).service.jwt, undefined);
  const env = { ...least, ...who, POSTRIDER_JWT_JWKS_URL, POSTRIDER_JWT_JWKS_CA_FILE: file };
  const { jwt } = readControlPlaneConfig({ ...env, POSTRIDER_JWT_GROUPS_CLAIM: 'groups' }).service;
  assert.deepEqual(jwt, {
    ...{ issuer: 'https://issuer.example.com', audiences: ['a', 'b'], algorithms: ['RS256', 'ES256'] },
    ...{ groupsClaim: 'groups', clockSkewMs: 30_000 },
    keys: { kind: 'url', url: new URL(POSTRIDER_JWT_JWKS_URL), ca: readFileSync(file, 'utf8') },
  });
});
