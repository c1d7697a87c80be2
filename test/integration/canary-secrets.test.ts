/**
 * Secrets of every kind are planted in a control plane and a dispatcher that send over real sockets, with a real Redis and an
 * endpoint that sends back what it is shown; deliveries succeed, fail and die. Then everything that was written or said is
 * looked through. With a leak planted, that is found. Doubles: Kafka, and where spans go.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { after, before, test } from 'node:test';
import { localKeys } from '@postrider/config-view';
import { Endpoint, type EndpointAuth } from '@postrider/contract/postrider/v1/endpoint';
import { RotateSecretRequest } from '@postrider/contract/postrider/v1/secret_service';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { parseKek, partitionOf } from '@postrider/core';
import { startDispatcher, type Dispatcher } from '@postrider/dispatcher';
import { deliveryRecord } from '@postrider/dispatcher/testing';
import { parsePools } from '@postrider/egress';
import { topicSpecs } from '@postrider/kafka';
import { createMetrics } from '@postrider/runtime';
import { ADMIN_KEY, startTestPlane, testConfig, type Running } from '../../services/control-plane/testing/harness.ts';
import { parseRedisUrl } from '../../services/dispatcher/src/redis-target.ts';
import { sightings, type Sighting } from '../support/canaries.ts';
import { answersTo, redisContent } from '../support/canary-places.ts';
import { createTestAuthority, type TestAuthority } from '../support/certificates.ts';
import { canariesOf, generatedCanary, plantedSecrets, printed, type Planted } from '../support/planted-secrets.ts';
import { startRedis } from '../support/redis.ts';
import { startTlsEndpoint, startTokenServer, tlsSettings, type TlsEndpoint } from '../support/tls-endpoint.ts';
import { waitFor } from '../support/wait-for.ts';
import type { SpanFields } from '@postrider/runtime';

const tenant = 'acme';
const parent = `tenants/${tenant}`;
const eventCount = 20;
/** Nothing may have to be there when nothing went that way. */
const mayBeEmpty = /^topic (?:quarantine|operations|events|retry\.\w+|deliveries\.bulk|ownership)$/;

let authority: TestAuthority;
before(async () => {
  authority = await createTestAuthority();
});
after(() => authority[Symbol.asyncDispose]());

interface Installation extends AsyncDisposable {
  readonly run: Running;
  readonly dispatcher: Dispatcher;
  /** What was told as metrics and spans. */
  told(): Promise<Map<string, Buffer>>;
}

async function startInstallation(planted: Planted, redisUrl: string, leaks: boolean): Promise<Installation> {
  await using stack = new AsyncDisposableStack();
  const via = { kind: 'proxy', proxyUrl: 'http://127.0.0.1:9', username: 'u', passwordFile: '/password' };
  const pools = parsePools(JSON.stringify({ default: { kind: 'nat' }, via }), () => planted.proxyPassword);
  const keys = localKeys(parseKek(planted.kek.toString('hex')));
  const laptop = { allowHttp: true, allowLoopback: true, allowCidrs: [] };
  const run = stack.use(await startTestPlane({ ...laptop, pools, keys }));
  // The layout and the topics come first.
  await run.tenants.createTenant({
    ...{ tenantId: tenant, requestId: '' },
    tenant: Tenant.fromPartial({ quotas: { egressPools: ['egressPools/default', 'egressPools/via'] } }),
  });
  const kafka = stack.use(run.kafka.connect('dispatcher-1'));
  const metrics = createMetrics();
  const spans: SpanFields[] = [];
  const own = { processId: 'dispatcher-1', topicPrefix: 'postrider.', sessionTimeoutMs: 6_000, contactUrl: '' };
  const questions = { host: '127.0.0.1', port: 0, address: '' };
  const leaking: typeof run.log.info = (fields, message) => {
    run.log.info(fields, message);
    run.log.info({ leaked: Buffer.from(`x${printed(planted.signing[0])}y`).toString('base64') }, 'a leak');
  };
  const dispatcher = stack.use(
    await startDispatcher(
      { ...own, ...laptop, keys, pools, questions, redis: parseRedisUrl(redisUrl) },
      {
        ...{ kafka, clock: kafka.clock, metrics, log: leaks ? { ...run.log, info: leaking } : run.log },
        spans: { on: true, add: (span) => void spans.push(span) },
      },
      new AbortController().signal,
    ),
  );
  const owned = stack.move();
  return {
    ...{ run, dispatcher },
    told: async () =>
      new Map([
        ['metrics', Buffer.from(await metrics.text())],
        ['spans', Buffer.from(inspect(spans, { depth: null, maxArrayLength: null, maxStringLength: null }))],
      ]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function createEndpoint(run: Running, endpointId: string, fields: Partial<Endpoint>): Promise<Endpoint> {
  const endpoint = { ...Endpoint.fromPartial({}), ...fields };
  return run.endpoints.createEndpoint({ parent, endpointId, endpoint, requestId: '' });
}

/** Four endpoints: one is shown a password, one fails, one is shown an access token, one is behind a proxy that is not there. */
async function createEndpoints(run: Running, planted: Planted, url: string, tokenUrl: string): Promise<Endpoint[]> {
  const to = { url, tls: tlsSettings(authority, planted.client) };
  const auth = (method: EndpointAuth['method']): Partial<Endpoint> => ({ auth: { method } });
  const { password, bearer: token, clientSecret } = planted;
  const once = { $case: 'delays' as const, value: { delays: [] } };
  const made = [
    await createEndpoint(run, 'basic', {
      ...{ ...to, ...auth({ $case: 'basic', value: { username: 'u', password } }) },
      ...{ signingSecret: printed(planted.signing[0]), headers: { 'x-api-key': planted.header } },
    }),
    await createEndpoint(run, 'failing', {
      ...{ ...to, ...auth({ $case: 'bearer', value: { token } }), headers: { 'x-fail': 'yes' } },
      retryPolicy: { schedule: once, jitter: 0, retrySpan: undefined },
    }),
    await createEndpoint(run, 'oauth', {
      ...{ ...to, ...auth({ $case: 'oauth2', value: { tokenUrl, clientId: 'c', clientSecret, scopes: [] } }) },
    }),
    await createEndpoint(run, 'proxied', { ...to, egressPool: 'egressPools/via' }),
  ];
  const secret = printed(planted.signing[1]);
  const rotation = RotateSecretRequest.fromPartial({ name: made[0]?.name ?? '', secret });
  await run.secrets.rotateSecret(rotation);
  return made;
}

/** Deliveries for all; resolves when each has been tried, and what failed is dead. */
async function liveThroughIt(
  { run, dispatcher }: Installation,
  made: readonly Endpoint[],
  endpoint: TlsEndpoint,
): Promise<void> {
  const last = made.at(-1)?.revision ?? '';
  await waitFor(() => dispatcher.view.reached(last), { what: 'the dispatcher knows the endpoints' });
  for (const [at, { uid, revision }] of made.entries()) {
    for (let number = 0; number < eventCount; number += 1) {
      const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
      const routed = { endpointRevision: revision, traceparent };
      const record = deliveryRecord(`order-${at}-${number}`, uid.slice(3), Date.now(), '{}', routed);
      const { key, value, headers } = record;
      run.kafka.append('postrider.deliveries', partitionOf(uid, testConfig().partitions), { key, value, headers });
    }
  }
  const timeoutMs = 30_000;
  await waitFor(() => endpoint.seen.length >= 3 * eventCount, { what: 'three endpoints are sent all', timeoutMs });
  const count = (topic: string): number => run.kafka.records(`postrider.${topic}`).length;
  await waitFor(() => count('dead-letters') === eventCount, { what: 'what failed is dead', timeoutMs });
  await waitFor(() => count('attempts') > 3 * eventCount, { what: 'the proxy is tried', timeoutMs });
}

/** What stands on every topic: keys, values and headers. */
function topicContents({ kafka }: Running): Map<string, Buffer> {
  const specs = topicSpecs({ prefix: '', partitions: 1, replicationFactor: 1, bodyBytesMax: 1 });
  return new Map(
    specs.map(({ name }) => {
      const parts = kafka
        .records(`postrider.${name}`)
        .flatMap(({ key, value, headers }) => [key, value, ...Object.values(headers).flat()]);
      return [`topic ${name}`, Buffer.concat(parts.flatMap((part) => (Buffer.isBuffer(part) ? [part] : [])))] as const;
    }),
  );
}

/** Where a planted secret was seen, and must not be. */
async function sightingsIn(leaks = false): Promise<Sighting[]> {
  await using stack = new AsyncDisposableStack();
  const planted = await plantedSecrets(authority);
  const { redisPassword, password, clientSecret, bearer, signing } = planted;
  const redis = stack.use(await startRedis({ password: redisPassword, args: ['--rdbcompression', 'no'] }));
  const endpoint = stack.use(await startTlsEndpoint(authority, ({ headers }) => (headers['x-fail'] ? 404 : 200)));
  const tokens = stack.use(await startTokenServer());
  const installation = stack.use(await startInstallation(planted, redis.url, leaks));
  const { run } = installation;
  const made = await createEndpoints(run, planted, endpoint.url, tokens.url);
  await liveThroughIt(installation, made, endpoint);
  const places = new Map([
    ...topicContents(run),
    ...(await installation.told()),
    ['answers', await answersTo(run, made, [password, clientSecret, bearer, printed(signing[0])])] as const,
    ['log', Buffer.from(inspect(run.log.lines, { depth: null, maxArrayLength: null, maxStringLength: null }))] as const,
    ['Redis', await redisContent(redis.port, redisPassword)] as const,
  ]);
  for (const [place, bytes] of places) assert.ok(bytes.length > 0 || mayBeEmpty.test(place), `${place} is empty`);
  const canaries = [...canariesOf(planted, { apiKey: ADMIN_KEY }), generatedCanary(made[2]?.signingSecret ?? '')];
  return sightings(canaries, places);
}

test('no secret stands in a log, span, metric, answer, error or dead letter, in Redis or on a topic, in any form', async () => {
  assert.deepEqual(await sightingsIn(), []);
});

test('a signing secret that is logged in base64, among other text, is found', async () => {
  const seen = await sightingsIn(true);
  assert.ok(
    seen.some(({ where, what }) => where === 'log' && what === 'signing secret 0, printed'),
    JSON.stringify(seen),
  );
});
