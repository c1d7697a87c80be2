/**
 * A control plane and a dispatcher over real sockets to a TLS endpoint that asks for a client certificate, and to a token
 * endpoint. Doubles: Kafka only. Observed: who the endpoint saw, the attempts, and every byte on the topics.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { after, before, test } from 'node:test';
import { Endpoint, type EndpointAuth } from '@postrider/contract/postrider/v1/endpoint';
import { createTestAuthority, type TestAuthority, type TestCertificate } from '../support/certificates.ts';
import { startPlaneAndDispatcher, type PlaneAndDispatcher } from '../support/plane-and-dispatcher.ts';
import { waitFor } from '../support/wait-for.ts';

/** What an endpoint saw of a request. */
interface Seen {
  readonly client: string;
  readonly headers: IncomingMessage['headers'];
}

let authority: TestAuthority;
let stack: PlaneAndDispatcher;
let hook: TestCertificate;
before(async () => {
  authority = await createTestAuthority();
  hook = await authority.issue('hook');
  stack = await startPlaneAndDispatcher();
});
after(async () => {
  await stack[Symbol.asyncDispose]();
  await authority[Symbol.asyncDispose]();
});

async function listening(server: Server): Promise<{ readonly port: number } & AsyncDisposable> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An endpoint that talks only to clients of the authority, a while after each of them has asked. */
async function startEndpoint(status: (seen: Seen) => number = () => 200) {
  const seen: Seen[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume().on('end', () => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      const one = { client: String(subject?.CN), headers: request.headers };
      seen.push(one);
      // Like a debugging page it sends back all that it was shown.
      const echo = JSON.stringify(request.headers);
      setTimeout(() => response.writeHead(status(one), { 'x-echo': echo }).end(echo), 5);
    });
  };
  const tls = { requestCert: true, rejectUnauthorized: true, ca: authority.ca };
  const server = await listening(createHttpsServer({ ...hook, ...tls }, answer));
  return { ...server, seen, url: `https://127.0.0.1:${server.port}/in` };
}

async function startTokens() {
  let given = 0;
  const server = await listening(
    createHttpServer((request, response) => {
      const body = JSON.stringify({ access_token: `token-c4nary-${++given}`, token_type: 'Bearer', expires_in: 3_600 });
      request.resume().on('end', () => response.end(body));
    }),
  );
  return { ...server, given: () => given, url: `http://127.0.0.1:${server.port}/token` };
}

const tlsOf = ({ cert, key }: TestCertificate): NonNullable<Endpoint['tls']> => ({
  ...{ caPem: authority.ca, clientCertificatePem: cert, clientKeyPem: key },
  minVersion: 'TLS_VERSION_1_3',
});
const oauth2 = (tokenUrl: string): EndpointAuth => ({
  method: { $case: 'oauth2', value: { tokenUrl, clientId: 'me', clientSecret: 'secret-c4nary', scopes: ['hooks'] } },
});

test('an endpoint’s certificate is changed twice under load, and no delivery fails', async () => {
  await using endpoint = await startEndpoint();
  await using tokens = await startTokens();
  const certificates = await Promise.all(['first', 'second', 'third'].map((name) => authority.issue(name)));
  const [first, ...others] = certificates;
  const made = await stack.createEndpoint(endpoint.url, {
    auth: oauth2(tokens.url),
    tls: tlsOf(first ?? assert.fail()),
  });
  const each = 150;
  let sent = 0;
  const load = async (): Promise<void> => {
    const until = sent + each;
    while (sent < until) {
      for (let burst = 0; burst < 10; burst++, sent++) stack.deliver(made);
      await waitFor(() => endpoint.seen.length > sent - 40, { what: 'the endpoint keeps up' });
    }
  };
  await load();
  for (const certificate of others) {
    const endpointWith = { ...Endpoint.fromPartial({ name: made.name }), tls: tlsOf(certificate) };
    // While the change is on its way, and when it arrives, deliveries go on.
    const change = stack.run.endpoints.updateEndpoint({ endpoint: endpointWith, updateMask: ['tls'] });
    await load();
    await change;
  }
  await load();
  await waitFor(() => stack.attemptsOf(made).length >= sent, { what: 'every delivery has an attempt' });
  const attempts = stack.attemptsOf(made);
  assert.deepEqual(new Set(attempts.map(({ outcome }) => outcome)), new Set(['OUTCOME_DELIVERED']));
  assert.deepEqual([attempts.length, endpoint.seen.length], [sent, sent]);
  const clients = endpoint.seen.map(({ client }) => client);
  assert.deepEqual(new Set(clients), new Set(['first', 'second', 'third']));
  assert.deepEqual(new Set(clients.slice(-each)), new Set(['third']), 'the newest is used once it is known');
  assert.ok(endpoint.seen.every(({ headers }) => /^Bearer token-c4nary-\d$/.test(headers.authorization ?? '')));
  assert.ok(tokens.given() <= certificates.length, 'a token serves until the endpoint is changed');
});

test('headers, basic and bearer authentication arrive as set, and stand nowhere else', async () => {
  await using endpoint = await startEndpoint(({ headers }) => (headers['x-api-key'] === 'key-c4nary' ? 200 : 401));
  const tls = tlsOf(await authority.issue('me'));
  const headers = { 'X-Api-Key': 'key-c4nary', 'x-open': 'yes' };
  const methods: readonly NonNullable<EndpointAuth['method']>[] = [
    { $case: 'basic', value: { username: 'u', password: 'p-c4nary' } },
    { $case: 'bearer', value: { token: 't-c4nary' } },
  ];
  for (const [index, method] of methods.entries()) {
    const made = await stack.createEndpoint(endpoint.url, { auth: { method }, tls, headers });
    stack.deliver(made);
    await waitFor(() => stack.attemptsOf(made).length === 1, { what: 'the attempt is written' });
    const seen = endpoint.seen[index]?.headers ?? assert.fail();
    const basic = `Basic ${Buffer.from('u:p-c4nary').toString('base64')}`;
    assert.equal(seen.authorization, index === 0 ? basic : 'Bearer t-c4nary');
    assert.deepEqual([seen['x-api-key'], seen['x-open']], ['key-c4nary', 'yes']);
    const [attempt] = stack.attemptsOf(made);
    assert.equal(attempt?.outcome, 'OUTCOME_DELIVERED');
    const kept = Object.fromEntries(attempt.requestHeaders.map(({ name, value }) => [name, value]));
    assert.deepEqual([kept['authorization'], kept['x-api-key'], kept['x-open']], ['[secret]', '[secret]', 'yes']);
  }
  const names = ['config', 'attempts', 'dead-letters', 'retry.1m', 'operations'];
  const records = names.flatMap((name) => stack.run.kafka.records(`postrider.${name}`));
  const bytes = records.flatMap(({ value, headers: of }) => [value, ...Object.values(of)]);
  const all = Buffer.concat(bytes.flatMap((one) => (Buffer.isBuffer(one) ? [one] : [])));
  const basicPair = Buffer.from('u:p-c4nary').toString('base64');
  for (const secret of ['c4nary', basicPair]) assert.ok(!all.includes(secret), secret);
  assert.ok(!JSON.stringify(stack.run.log.lines).includes('c4nary'));
});

test('what goes wrong on the way to being known is the endpoint’s, is told by its code, and is tried again', async () => {
  await using endpoint = await startEndpoint();
  await using refusing = await listening(
    createHttpServer((_, response) => response.writeHead(400).end('{"error":"invalid_client"}')),
  );
  const tls = tlsOf(await authority.issue('me'));
  const cases: readonly (readonly [fields: Partial<Endpoint>, code: RegExp, detail: RegExp])[] = [
    [{ tls, auth: oauth2(`http://127.0.0.1:${refusing.port}/`) }, /^token_failed$/, /answered 400 \(invalid_client\)/],
    [{ tls, auth: oauth2('http://127.0.0.1:1/') }, /^token_failed$/, /refused/],
    [{ tls: { ...tls, clientCertificatePem: '', clientKeyPem: '' } }, /^(tls_protocol|connection_\w+)$/, /./],
    [{}, /^tls_certificate$/, /./],
  ];
  for (const [fields, code, detail] of cases) {
    const made = await stack.createEndpoint(endpoint.url, fields);
    stack.deliver(made);
    await waitFor(() => stack.attemptsOf(made).length > 0, { what: 'the attempt is written' });
    const [attempt] = stack.attemptsOf(made);
    assert.match(attempt?.code ?? '', code);
    assert.match(attempt?.detail ?? '', detail);
    assert.equal(attempt?.outcome, 'OUTCOME_UNREACHABLE');
    assert.equal(attempt?.decision?.decision?.$case, 'retry');
  }
  assert.equal(endpoint.seen.length, 0);
});
