/**
 * A control plane and a dispatcher over real sockets to a TLS endpoint that asks for a client certificate, and to a token
 * endpoint. Doubles: Kafka only. Observed: who the endpoint saw, the attempts, and every byte on the topics.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import type { Endpoint, EndpointAuth } from '@postrider/contract/postrider/v1/endpoint';
import { createTestAuthority, type TestAuthority } from '../support/certificates.ts';
import { startPlaneAndDispatcher, type PlaneAndDispatcher } from '../support/plane-and-dispatcher.ts';
import { listening, oauth2, startTlsEndpoint, tlsSettings } from '../support/tls-endpoint.ts';
import { waitFor } from '../support/wait-for.ts';

let authority: TestAuthority;
let stack: PlaneAndDispatcher;
before(async () => {
  authority = await createTestAuthority();
  stack = await startPlaneAndDispatcher();
});
after(async () => {
  await stack[Symbol.asyncDispose]();
  await authority[Symbol.asyncDispose]();
});

test('headers, basic and bearer authentication arrive as set, and stand nowhere else', async () => {
  await using endpoint = await startTlsEndpoint(authority, ({ headers }) =>
    headers['x-api-key'] === 'key-c4nary' ? 200 : 401,
  );
  const tls = tlsSettings(authority, await authority.issue('me'));
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
  await using endpoint = await startTlsEndpoint(authority);
  await using refusing = await listening(
    createServer((_, response) => response.writeHead(400).end('{"error":"invalid_client"}')),
  );
  const tls = tlsSettings(authority, await authority.issue('me'));
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
