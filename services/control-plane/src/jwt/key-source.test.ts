/**
 * Keys of an issuer in a file and behind a real https server with a certificate of its own authority. Double: the clock.
 * Observed: which keys are known, what is told, how often the server is asked.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { createTestAuthority, type TestAuthority } from '../../../../test/support/certificates.ts';
import { listening, type Listening } from '../../../../test/support/tls-endpoint.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';
import { issuerKey } from '../../testing/tokens.ts';
import { serverLimits } from '../server-limits.ts';
import { openKeySource } from './key-source.ts';
import type { RequestListener } from 'node:http';
import type { KeysAt } from './jwt-env.ts';

const folder = mkdtempSync(join(tmpdir(), 'postrider-jwks-'));
let authority: TestAuthority;
let one = '';
let two = '';
before(async () => {
  authority = await createTestAuthority();
  const jwks = await Promise.all([issuerKey('a'), issuerKey('b')]);
  one = JSON.stringify({ keys: [jwks[0]?.jwk] });
  two = JSON.stringify({ keys: jwks.map(({ jwk }) => jwk) });
});
after(async () => {
  rmSync(folder, { recursive: true });
  await authority[Symbol.asyncDispose]();
});

/** Tells what is told, on a clock that stands still. */
function watching() {
  const clock = createFakeClock();
  const told: string[] = [];
  const events = {
    jwtKeysChanged: (count: number) => void told.push(`${count} keys`),
    jwtKeysTrouble: (problem: string | null) => void told.push(problem ?? 'usable'),
  };
  const until = async (what: string): Promise<void> => {
    await waitFor(() => told.includes(what) || told.some((line) => line.startsWith(what)), { what });
    told.length = 0;
  };
  const open = (keys: KeysAt) => openKeySource({ keys, clock, events });
  return { clock, told, until, open };
}

async function served(answer: RequestListener): Promise<Listening & { readonly keys: KeysAt }> {
  const server = await listening(createServer(await authority.issue('jwks'), answer));
  const url = new URL(`https://127.0.0.1:${server.port}/keys?secret=canary`);
  return { ...server, keys: { kind: 'url', url, ca: authority.ca } };
}

test('a file is read again every second; what cannot be used is told, and what was there before stays', async () => {
  const path = join(folder, 'keys.json');
  const { clock, told, until, open } = watching();
  await assert.rejects(open({ kind: 'file', path }), /ENOENT/);
  writeFileSync(path, one);
  using source = await open({ kind: 'file', path });
  assert.deepEqual(told.splice(0), ['1 keys']);
  writeFileSync(path, two.slice(0, 50));
  await clock.advance(1_000);
  await until('it is no JSON');
  assert.equal(source.current()?.count, 1);
  writeFileSync(path, two);
  await clock.advance(1_000);
  await until('usable');
  assert.equal(source.current()?.count, 2);
});

test('a URL is asked when it is opened, and when five minutes have passed; while it is down the last keys stay, for a day', async () => {
  const state = { body: one, status: 200, asked: 0 };
  await using server = await served((_, response) => {
    state.asked += 1;
    response.writeHead(state.status).end(state.body);
  });
  const { clock, until, open } = watching();
  using source = await open(server.keys);
  await until('1 keys');
  await clock.advance(serverLimits.jwksFreshMs - serverLimits.jwksLookEveryMs);
  assert.equal(state.asked, 1);
  state.body = two;
  await clock.advance(serverLimits.jwksLookEveryMs);
  await until('2 keys');
  state.status = 503;
  await clock.advance(serverLimits.jwksFreshMs);
  await until('127.0.0.1:');
  assert.equal(source.current()?.count, 2);
  await server[Symbol.asyncDispose]();
  await clock.advance(serverLimits.jwksKeptMs - serverLimits.jwksFreshMs - serverLimits.jwksLookEveryMs);
  assert.equal(source.current()?.count, 2);
  await clock.advance(2 * serverLimits.jwksLookEveryMs);
  assert.equal(source.current(), null);
});

test('tokens of keys that nobody has make it ask once in half a minute, and hold up only so many', async () => {
  const state = { asked: 0, answer: Promise.withResolvers<void>() };
  await using server = await served((_, response) => {
    state.asked += 1;
    void state.answer.promise.then(() => response.end(one));
  });
  const { clock, until, open } = watching();
  using source = await open(server.keys);
  const first = Array.from({ length: serverLimits.jwksWaitersMax }, () => source.look());
  await source.look();
  state.answer.resolve();
  await until('1 keys');
  await Promise.all(first);
  for (let n = 0; n < 1_000; n++) await source.look();
  assert.equal(state.asked, 1);
  await clock.advance(serverLimits.jwksUnknownKeyEveryMs);
  await Promise.all(Array.from({ length: 1_000 }, () => source.look()));
  assert.equal(state.asked, 2);
});

test('what else a server may do is told by its host alone, and is no key set', async () => {
  const rows: readonly (readonly [string, RequestListener, RegExp])[] = [
    [
      'redirects',
      (_, response) => response.writeHead(302, { location: 'https://127.0.0.1:1/' }).end(),
      /answers 302, not 200$/,
    ],
    [
      'too much',
      (_, response) => response.end('x'.repeat(serverLimits.jwksBytesMax + 1)),
      /answers more than 262144 bytes$/,
    ],
    [
      'breaks off',
      (_, response) => response.writeHead(200, { 'content-length': 9 }).write('{', () => response.destroy()),
      /broke off$/,
    ],
    ['hangs up', (request) => request.destroy(), /cannot be asked \(ECONNRESET\)$/],
    ['no keys', (_, response) => response.end('{}'), /^it has no list of keys$/],
  ];
  for (const [what, answer, refusal] of rows) {
    await using server = await served(answer);
    const { told, open } = watching();
    using source = await open(server.keys);
    await waitFor(() => told.length > 0, { what });
    assert.match(told[0] ?? '', refusal, what);
    assert.doesNotMatch(told[0] ?? '', /canary/);
    assert.equal(source.current(), null);
  }
  await using server = await served((_, response) => response.end(one));
  const { told, open } = watching();
  const { keys } = server;
  assert.ok(keys.kind === 'url');
  using source = await open({ kind: 'url', url: keys.url });
  await waitFor(() => told.length > 0, { what: 'a certificate that nobody vouches for' });
  assert.match(told[0] ?? '', /cannot be asked \((?:SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_[A-Z_]+)\)$/);
  assert.equal(source.current(), null);
});
