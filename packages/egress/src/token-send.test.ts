/**
 * A real token endpoint and a real endpoint on loopback. Doubles: the clock runs, and can be set forward. Observed:
 * results, and the requests that the two have received.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Secret } from '@postrider/core';
import { laptopPolicy, openEgress, realClock, requestTo, sendOne } from '../testing/support.ts';
import { createPolicy, type EgressResult, type OAuthClient, type TokenTurn } from './index.ts';

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
interface Answer {
  readonly status: number;
  readonly body?: string;
}

/** Answers each request by what `answer` says, when it says it. */
async function server(answer: (request: Received, number: number) => Answer | Promise<Answer>) {
  const received: Received[] = [];
  const http = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', async () => {
      const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      received.push(one);
      const { status, body: text = '' } = await answer(one, received.length);
      response.writeHead(status).end(text);
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    received,
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

const tokenOf = (number: number, expires_in = 3_600): Answer => ({
  status: 200,
  body: JSON.stringify({ access_token: `token-${number}`, token_type: 'Bearer', expires_in }),
});
const ok = (): Answer => ({ status: 200 });
const clientAt = (origin: string, more: Partial<OAuthClient> = {}): OAuthClient => ({
  ...{
    origin,
    path: '/token?tenant=1',
    clientId: 'my client',
    clientSecret: new Secret('s:é+/'),
    scopes: ['a', 'b:c'],
  },
  ...more,
});
const told = (result: EgressResult): string =>
  result.kind === 'response' ? `response ${result.status}` : `${result.code} ${result.owner}`;
const tokensAt = (endpoint: { readonly received: readonly Received[] }): (string | undefined)[] =>
  endpoint.received.map(({ headers }) => headers.authorization);

function setForward() {
  let aheadMs = 0;
  const clock = { ...realClock, monotonic: () => realClock.monotonic() + aheadMs };
  return { clock, by: (ms: number) => void (aheadMs += ms) };
}

test('the token is asked for as RFC 6749 has it, sent as a bearer token, and used again until it expires', async () => {
  await using tokens = await server((_, number) => tokenOf(number));
  await using endpoint = await server(ok);
  const time = setForward();
  await using egress = openEgress({ clock: time.clock });
  const oauth2 = clientAt(tokens.origin);
  const request = requestTo(endpoint.origin, {
    oauth2,
    headers: ['user-agent', 'Postrider/0.1', 'webhook-id', 'msg_1'],
  });
  for (let index = 0; index < 3; index++) assert.equal(told(await sendOne(egress, request)), 'response 200');
  time.by(3_600_000 - 61_000);
  await sendOne(egress, request);
  assert.deepEqual(tokensAt(endpoint), Array(4).fill('Bearer token-1'));
  time.by(2_000);
  await sendOne(egress, request);
  assert.equal(tokensAt(endpoint)[4], 'Bearer token-2');
  const [asked] = tokens.received;
  assert.equal(tokens.received.length, 2);
  assert.equal(`${asked?.method} ${asked?.url}`, 'POST /token?tenant=1');
  assert.equal(asked?.body, 'grant_type=client_credentials&scope=a+b%3Ac');
  assert.equal(asked?.headers['content-type'], 'application/x-www-form-urlencoded');
  assert.equal(asked?.headers['user-agent'], 'Postrider/0.1');
  assert.equal(asked?.headers['webhook-id'], undefined, 'what is for the endpoint is not told to the token endpoint');
  const pair = Buffer.from(asked?.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString();
  assert.equal(pair, 'my+client:s%3A%C3%A9%2B%2F');
});

test('one token is asked for at a time; each request that waited for it has its own result', async () => {
  const held = Promise.withResolvers<Answer>();
  await using tokens = await server(() => held.promise);
  await using endpoint = await server(ok);
  await using egress = openEgress();
  const request = requestTo(endpoint.origin, { oauth2: clientAt(tokens.origin), maxSockets: 8 });
  const results = Array.from({ length: 20 }, () => sendOne(egress, request));
  while (tokens.received.length === 0) await new Promise(setImmediate);
  held.resolve(tokenOf(1));
  assert.deepEqual(new Set((await Promise.all(results)).map(told)), new Set(['response 200']));
  assert.deepEqual([tokens.received.length, endpoint.received.length], [1, 20]);
});

test('each endpoint has its own token, and a client that has changed gets a new one', async () => {
  await using tokens = await server((_, number) => tokenOf(number));
  await using endpoint = await server(ok);
  await using egress = openEgress();
  const [first, second] = [clientAt(tokens.origin), clientAt(tokens.origin)];
  for (const [poolKey, oauth2] of [
    ['t/a', first],
    ['t/b', first],
    ['t/a', first],
    ['t/a', second],
  ] as const) {
    await sendOne(egress, requestTo(endpoint.origin, { poolKey, oauth2 }));
  }
  assert.deepEqual(
    tokensAt(endpoint),
    [1, 2, 1, 3].map((number) => `Bearer token-${number}`),
  );
});

test('what is remembered of tokens is bounded', async () => {
  await using tokens = await server((_, number) => tokenOf(number));
  await using endpoint = await server(ok);
  await using egress = openEgress({ limits: { endpointsMax: 3 } });
  const oauth2 = clientAt(tokens.origin);
  const send = (poolKey: string) => sendOne(egress, requestTo(endpoint.origin, { poolKey, oauth2 }));
  for (const key of ['1', '2', '3', '4', '4', '1']) await send(key);
  assert.equal(tokens.received.length, 5, 'the one got longest ago was forgotten');
});

test('an answer of 401 or 403 drops the token once, until a token has been accepted again', async () => {
  await using tokens = await server((_, number) => tokenOf(number));
  let status = 200;
  await using endpoint = await server(() => ({ status }));
  await using egress = openEgress();
  const request = requestTo(endpoint.origin, { oauth2: clientAt(tokens.origin) });
  const send = async (next: number) => {
    status = next;
    assert.equal(told(await sendOne(egress, request)), `response ${next}`);
  };
  for (const next of [200, 401, 401, 403, 401, 500, 403, 200, 429]) await send(next);
  assert.deepEqual(
    tokensAt(endpoint),
    [1, 1, 2, 2, 2, 2, 2, 3, 3].map((number) => `Bearer token-${number}`),
  );
});

test('a failure of the token endpoint is the endpoint’s, all that waited share it, and nobody asks again for a second', async () => {
  let answer: Answer = { status: 401, body: '{"error":"invalid_client"}' };
  await using tokens = await server(() => answer);
  await using endpoint = await server(ok);
  const time = setForward();
  await using egress = openEgress({ clock: time.clock });
  const request = requestTo(endpoint.origin, { oauth2: clientAt(tokens.origin) });
  const send = () => sendOne(egress, request);
  const results = [...(await Promise.all([send(), send(), send()])), await send()];
  assert.deepEqual(results.map(told), Array(4).fill('token_failed endpoint'));
  const [first] = results;
  assert.equal(first?.kind === 'failure' && first.message, 'the token endpoint answered 401 (invalid_client)');
  assert.deepEqual([tokens.received.length, endpoint.received.length], [1, 0]);
  answer = tokenOf(1);
  time.by(1_001);
  assert.equal(told(await send()), 'response 200');
});

test('a token endpoint that is silent is given up in time for the request; one that is not there, or forbidden, is told so', async () => {
  await using silent = await server(() => new Promise(() => {}));
  await using endpoint = await server(ok);
  await using egress = openEgress({ limits: { totalMinMs: 50, tokenMs: 200 } });
  const at = async (origin: string) => {
    const request = requestTo(endpoint.origin, { oauth2: clientAt(origin), poolKey: origin });
    return told(await sendOne(egress, request));
  };
  assert.equal(await at(silent.origin), 'token_timeout endpoint');
  assert.equal(await at('http://127.0.0.1:1'), 'token_failed endpoint');
  assert.equal(await at('http://169.254.169.254'), 'blocked_url endpoint');
  const policy = createPolicy({ allowHttp: true, ports: 'any' });
  await using strict = openEgress({ policy, resolve: async () => ['8.8.8.8', '127.0.0.1'] });
  const named = requestTo('http://hook.example.com', { oauth2: clientAt('http://id.example.com') });
  assert.equal(told(await sendOne(strict, named)), 'blocked_address endpoint');
  assert.equal(endpoint.received.length, 0);
  assert.ok(laptopPolicy.allowLoopback);
});

test('a request that may not start asks for no token, and its timings hold the wait for one', async () => {
  const held = Promise.withResolvers<Answer>();
  await using tokens = await server(() => held.promise);
  await using endpoint = await server(ok);
  await using egress = openEgress();
  const oauth2 = clientAt(tokens.origin);
  const stopped = sendOne(egress, requestTo(endpoint.origin, { oauth2, mayStart: () => false }));
  assert.equal(told(await stopped), 'aborted shutdown');
  assert.equal(tokens.received.length, 0);
  const result = sendOne(egress, requestTo(endpoint.origin, { oauth2 }));
  const since = performance.now();
  while (performance.now() - since < 100) await new Promise(setImmediate);
  held.resolve(tokenOf(1));
  const { timings } = await result;
  assert.ok(timings.totalMs >= 90 && (timings.firstByteMs ?? 0) >= 90, JSON.stringify(timings));
});

test('a token is asked for when its turn comes, once for all that wait; without a turn the fault is ours, and nobody is asked', async () => {
  await using tokens = await server((_, number) => tokenOf(number));
  await using endpoint = await server(ok);
  const turns: { readonly turn: TokenTurn; readonly done: (granted: boolean) => void }[] = [];
  await using egress = openEgress({ awaitTokenTurn: (turn, done) => void turns.push({ turn, done }) });
  const request = requestTo(endpoint.origin, { oauth2: clientAt(tokens.origin), poolKey: 'acme/e1' });
  const [first, second] = [sendOne(egress, request), sendOne(egress, request)];
  const [asked] = turns;
  assert.ok(asked !== undefined && asked.turn.withinMs <= request.totalDeadlineMs / 2);
  assert.deepEqual([asked.turn.host, asked.turn.tenant], ['127.0.0.1', 'acme']);
  asked.done(false);
  assert.deepEqual((await Promise.all([first, second])).map(told), Array(2).fill('token_deferred ours'));
  assert.deepEqual([turns.length, tokens.received.length], [1, 0]);
  const again = sendOne(egress, request);
  turns[1]?.done(true);
  assert.equal(told(await again), 'response 200');
  assert.equal(told(await sendOne(egress, request)), 'response 200');
  assert.deepEqual([turns.length, tokens.received.length], [2, 1]);
});

test('an endpoint that sends the token back tells nobody', async () => {
  await using tokens = await server(() => ({ status: 200, body: '{"access_token":"not-for-all-eyes"}' }));
  await using endpoint = await server(({ headers }) => ({ status: 200, body: JSON.stringify(headers) }));
  await using egress = openEgress();
  const result = await sendOne(egress, requestTo(endpoint.origin, { oauth2: clientAt(tokens.origin) }));
  assert.deepEqual(tokensAt(endpoint), ['Bearer not-for-all-eyes']);
  assert.match(result.kind === 'response' ? result.excerpt.toString() : '', /"Bearer \[secret\]"/);
});

test('a long token is read whole, and closing ends what waits for one', async () => {
  const long = 'x'.repeat(12_000);
  await using tokens = await server(() => ({ status: 200, body: JSON.stringify({ access_token: long }) }));
  await using endpoint = await server(ok);
  await using egress = openEgress();
  const request = requestTo(endpoint.origin, { oauth2: clientAt(tokens.origin) });
  assert.equal(told(await sendOne(egress, request)), 'response 200');
  assert.equal(tokensAt(endpoint)[0]?.length, 'Bearer '.length + long.length);
  await using silent = await server(() => new Promise(() => {}));
  const waiting = [1, 2].map(() => sendOne(egress, requestTo(endpoint.origin, { oauth2: clientAt(silent.origin) })));
  while (silent.received.length === 0) await new Promise(setImmediate);
  await egress.close({ graceMs: 10 });
  assert.deepEqual((await Promise.all(waiting)).map(told), Array(2).fill('aborted shutdown'));
});
