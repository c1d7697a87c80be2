/** Tokens of an issuer that is played, on a fake clock. Double: where its keys stand. Observed: whom a token names. */
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, KeyObject, sign } from 'node:crypto';
import { before, test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { AUDIENCE, claims, ISSUER, issuerKey, joined, signed, type IssuerKey } from '../../testing/tokens.ts';
import { serverLimits } from '../server-limits.ts';
import { parseKeySet, type KeySet } from './key-set.ts';
import { createVerifyJwt, looksLikeJwt, type VerifyJwtOptions } from './verify-jwt.ts';
import type { JWTPayload } from 'jose';

let es: IssuerKey;
let rs: IssuerKey;
let other: IssuerKey;
before(async () => {
  [es, rs, other] = await Promise.all([issuerKey('es'), issuerKey('rs', 'RS256'), issuerKey('other')]);
});

const settings = {
  ...{ issuer: ISSUER, audiences: [AUDIENCE, 'another'], algorithms: ['ES256', 'RS256'] },
  ...{ groupsClaim: 'groups', clockSkewMs: 30_000 },
};
const setOf = (...keys: IssuerKey[]): KeySet => parseKeySet(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));

function scene(changes: Partial<VerifyJwtOptions['settings']> = {}) {
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const state = { keys: setOf(es, rs) as KeySet | null, next: null as KeySet | null, looks: 0, verifications: 0 };
  const source = {
    current: () => state.keys,
    async look() {
      state.looks += 1;
      state.keys = state.next ?? state.keys;
    },
  };
  const verify = createVerifyJwt({ settings: { ...settings, ...changes }, source, clock });
  const token = (payload: JWTPayload = {}, key = es) => signed(key, claims(clock.now(), payload));
  return { clock, state, verify, token };
}

test('a token of the issuer names its subject and groups, by any of its keys', async () => {
  const { verify, token } = scene();
  assert.deepEqual(await verify(await token()), { actor: 'user/alice', groups: [] });
  const groups = ['platform', 'platform', 'two words', '', 7, 'billing'];
  const caller = { actor: 'user/bob@example.com', groups: ['group/platform', 'group/billing'] };
  assert.deepEqual(await verify(await token({ sub: 'bob@example.com', groups }, rs)), caller);
  assert.deepEqual(await verify(await token({ aud: ['x', 'another'] })), { actor: 'user/alice', groups: [] });
  const many = Array.from({ length: 150 }, (_, index) => `g${index}`);
  assert.equal((await verify(await token({ groups: many })))?.groups.length, serverLimits.jwtGroupsMax);
  assert.deepEqual(await scene({}).verify(await token({ groups: 'platform' })), { actor: 'user/alice', groups: [] });
});

test('a token names nobody whose times, issuer, audience or subject are not right', async () => {
  const { clock, verify, token } = scene();
  const s = Math.floor(clock.now() / 1_000);
  const wrong: readonly Readonly<Record<string, unknown>>[] = [
    { exp: s - 31 },
    { exp: undefined },
    { nbf: s + 31 },
    { exp: s + 24 * 3_600 + 31 },
    { iss: 'https://issuer.example.com' },
    { iss: undefined },
    { aud: 'https://elsewhere.example.com' },
    { aud: [] },
    { aud: undefined },
    { sub: undefined },
    { sub: '' },
    { sub: 'two words' },
    { sub: 'x'.repeat(256) },
    { sub: 'a\nb' },
    { deep: JSON.parse(`${'['.repeat(1_500)}${']'.repeat(1_500)}`) as unknown },
  ];
  for (const payload of wrong)
    assert.equal(await verify(await token(payload as JWTPayload)), null, JSON.stringify(payload));
  for (const payload of [{ exp: s - 29 }, { nbf: s + 29 }]) assert.notEqual(await verify(await token(payload)), null);
});

test('a signature that anybody could have made names nobody', async () => {
  const { clock, verify, token, state } = scene();
  const payload = JSON.stringify(claims(clock.now()));
  const publicPem = createPublicKey({ key: rs.jwk as never, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const hs = (secret: string | Buffer): string => {
    const unsigned = joined('{"alg":"HS256","kid":"rs","typ":"JWT"}', payload).split('.', 2).join('.');
    return `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
  };
  const good = await token();
  const [header = '', body = '', signature = ''] = good.split('.');
  const stolen = await signed({ ...other, kid: 'es' }, claims(clock.now()));
  const inHeader = await signed(other, claims(clock.now()), { jwk: other.jwk });
  const weak = await issuerKey('es384', 'ES384');
  state.keys = setOf(es, rs, weak);
  const forged = {
    none: joined('{"alg":"none"}', payload, Buffer.alloc(0)),
    'none with a signature': joined('{"alg":"none","kid":"es"}', payload),
    'HS with the public key': hs(publicPem),
    'HS with the public key, der': hs(createPublicKey(publicPem).export({ type: 'spki', format: 'der' })),
    'another payload': `${header}.${Buffer.from(payload.replace('alice', 'admin')).toString('base64url')}.${signature}`,
    'no signature': `${header}.${body}.`,
    'another signature': `${header}.${body}.${Buffer.alloc(64, 1).toString('base64url')}`,
    'another key under a known name': stolen,
    'a key of its own': inHeader,
    'an algorithm that is not allowed': await signed(weak, claims(clock.now())),
    'the wrong algorithm for its key': joined('{"alg":"RS256","kid":"es"}', payload),
    'no JSON': joined('x', payload),
    'no object': joined('[]', payload),
    'five parts': `${good}.x.y`,
    'a critical extension': await signed(es, claims(clock.now()), { crit: ['x'], x: 1 } as never).catch(() => 'x.y.z'),
  };
  for (const [what, text] of Object.entries(forged)) assert.equal(await verify(text), null, what);
  assert.notEqual(await verify(good), null);
});

test('two claims of one name are no claim, in the header as in the payload', async () => {
  const { clock, verify } = scene();
  const payload = JSON.stringify(claims(clock.now()));
  const key = KeyObject.from(rs.privateKey);
  const signedText = (header: string, text: string): string => {
    const unsigned = joined(header, text).split('.', 2).join('.');
    return `${unsigned}.${sign('sha256', Buffer.from(unsigned), key).toString('base64url')}`;
  };
  const header = '{"alg":"RS256","kid":"rs"}';
  assert.notEqual(await verify(signedText(header, payload)), null);
  assert.equal(await verify(signedText(header, payload.replace('{', '{"sub":"admin",'))), null);
  assert.equal(await verify(signedText(header, payload.replace('{', '{"s\\u0075b":"admin",'))), null);
  assert.equal(await verify(signedText(header.replace('{', '{"kid":"es",'), payload)), null);
});

test('a key that comes is looked for once, and one that goes takes its tokens with it, also those that were known', async () => {
  const { state, verify, token } = scene();
  state.keys = setOf(es);
  const byNext = await token({}, rs);
  assert.equal(await verify(byNext), null);
  assert.equal(state.looks, 1);
  const byFirst = await token();
  assert.notEqual(await verify(byFirst), null);
  state.next = setOf(rs);
  assert.notEqual(await verify(byNext), null);
  assert.equal(await verify(byFirst), null);
  state.next = null;
  state.keys = null;
  assert.equal(await verify(byNext), null);
});

test('a token that was verified is known until it ends', async () => {
  const { clock, state, verify, token } = scene();
  const text = await token({ exp: Math.floor(clock.now() / 1_000) + 40 });
  const first = await verify(text);
  assert.equal(await verify(text), first, 'the very same: it was not verified anew');
  await clock.advance(serverLimits.jwtKnownMs);
  const second = await verify(text);
  assert.ok(second !== null && second !== first);
  clock.stepWallClock(10_000);
  assert.equal(await verify(text), null);
  assert.equal(state.looks, 0);
});

test('what has another form, or is too long, is not taken for a token', () => {
  assert.ok(looksLikeJwt('e30.e30.e30'));
  for (const text of ['', 'a', 'a.b', 'a.b.c.d', 'a..c', 'prk_x_y', 'a.b.c=', `a.b.${'c'.repeat(8_192)}`])
    assert.ok(!looksLikeJwt(text), text.slice(0, 20));
});
