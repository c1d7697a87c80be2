/**
 * Secrets of every kind are planted in an installation of real processes on a real Kafka, with a real Redis and a collector, given
 * them in files as the chart does, among endpoints, a token server and a proxy that repeat what they are shown. Deliveries
 * succeed, fail, wait and die; calls are refused; processes refuse to start, are looked into and crash. Then everything that
 * was written or said is looked through. Doubles: the collector, which keeps what it is sent, and those whom requests go to.
 */
// test-timeout: 180 s
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'node:test';
import { ApiKey, ListApiKeysResponse } from '@postrider/contract/postrider/v1/access_service';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { ListSecretsResponse } from '@postrider/contract/postrider/v1/secret_service';
import { topicSpecs, type TopicId } from '@postrider/kafka';
import { AUDIENCE, ISSUER, claims, issuerKey, signed } from '../../services/control-plane/testing/tokens.ts';
import { sightings, type Canary } from '../support/canaries.ts';
import { canaryCaller, type CanaryCaller, type Json } from '../support/canary-caller.ts';
import { redisContent } from '../support/canary-places.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { startCollector, type Collector } from '../support/collector.ts';
import { sharedKafka } from '../support/kafka.ts';
import { canariesOf, generatedCanary, plantedSecrets, printed, type Planted } from '../support/planted-secrets.ts';
import { processPlaces } from '../support/process-places.ts';
import { startRedis } from '../support/redis.ts';
import { tempDir } from '../support/resources.ts';
import { startService } from '../support/service-process.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { startTelltaleProxy, startTelltaleTokenServer } from '../support/telltale-servers.ts';
import { startTlsEndpoint, startTokenServer } from '../support/tls-endpoint.ts';
import { waitFor } from '../support/wait-for.ts';
import type { MethodName } from '@postrider/core';
import type { TestAuthority } from '../support/certificates.ts';

/** No secret: it must be found wherever deliveries are told of, or the scan would not see what it looks at. */
const tenant = `c4nary-${randomBytes(8).toString('hex')}`;
const parent = `tenants/${tenant}`;
const eventType = 'order.paid';
const eventCount = 10;
/** Each takes a second or two where nothing else runs. */
const patienceMs = 40_000;
const showing = new Set<MethodName>(['CreateEndpoint', 'RotateSecret', 'RevealSecret', 'CreateApiKey']);

/** Where deliveries go, and what else the processes use. */
interface Around {
  readonly authority: TestAuthority;
  readonly planted: Planted;
  readonly endpoint: Awaited<ReturnType<typeof startTlsEndpoint>>;
  readonly tokens: Awaited<ReturnType<typeof startTokenServer>>;
  readonly refusing: Awaited<ReturnType<typeof startTelltaleTokenServer>>;
  readonly proxy: Awaited<ReturnType<typeof startTelltaleProxy>>;
  readonly redis: Awaited<ReturnType<typeof startRedis>>;
  readonly collector: Collector;
  /** Path of a file of this name. */
  readonly file: (name: string) => string;
}

async function startAround(stack: AsyncDisposableStack): Promise<Around> {
  const authority = stack.use(await createTestAuthority());
  const planted = await plantedSecrets(authority);
  const { path } = stack.use(await tempDir());
  const [endpoint, tokens, refusing, proxy, redis, collector] = await Promise.all([
    startTlsEndpoint(authority, ({ headers }) => (headers['x-fail'] ? 404 : 200)),
    ...([startTokenServer(), startTelltaleTokenServer(), startTelltaleProxy()] as const),
    startRedis({ password: planted.redisPassword, args: ['--rdbcompression', 'no'] }),
    startCollector(),
  ]);
  for (const one of [endpoint, tokens, refusing, proxy, redis, collector]) stack.use(one);
  return { authority, planted, endpoint, tokens, refusing, proxy, redis, collector, file: (name) => join(path, name) };
}

/** Writes what is secret into files; gives what each process is told, which is only where they are. */
async function settings({ planted, redis, proxy, collector, file }: Around, adminKey: string, keySet: object) {
  writeFileSync(file('kek'), planted.kek.toString('hex'));
  writeFileSync(file('admin-key'), adminKey);
  writeFileSync(file('redis-url'), redis.url);
  writeFileSync(file('proxy-password'), planted.proxyPassword);
  writeFileSync(file('jwks'), JSON.stringify(keySet));
  const proxyUrl = `http://127.0.0.1:${proxy.port}`;
  const via = { kind: 'proxy', proxyUrl, username: 'u', passwordFile: file('proxy-password') };
  writeFileSync(file('pools'), JSON.stringify({ default: { kind: 'nat' }, via }));
  const telemetry = {
    NODE_OPTIONS: `--import=@postrider/runtime/telemetry --report-on-signal --report-directory=${file('')}`,
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_LOGS_EXPORTER: 'otlp', OTEL_BSP_SCHEDULE_DELAY: '200' },
    ...{ OTEL_METRIC_EXPORT_INTERVAL: '1000', OTEL_METRIC_EXPORT_TIMEOUT: '1000' },
  };
  const pools = { POSTRIDER_EGRESS_POOLS_FILE: file('pools') };
  const jwt = {
    ...{ POSTRIDER_JWT_ISSUER: ISSUER, POSTRIDER_JWT_AUDIENCES: AUDIENCE, POSTRIDER_JWT_JWKS_FILE: file('jwks') },
  };
  return (name: string): Record<string, string> => {
    if (name === 'control-plane') return { ...telemetry, ...pools, ...jwt };
    if (name.startsWith('router')) return telemetry;
    return { ...telemetry, ...pools, POSTRIDER_REDIS_URL_FILE: file('redis-url') };
  };
}

/** Endpoints that are shown a password, a bearer token and an access token, one that gets none, and one behind the proxy. */
function endpointsOf({ authority, planted, endpoint, tokens, refusing }: Around): Record<string, Json> {
  const { cert: clientCertificatePem, key: clientKeyPem } = planted.client;
  const tls = { caPem: authority.ca, clientCertificatePem, clientKeyPem, minVersion: 'TLS_VERSION_1_3' };
  const to = { url: endpoint.url, tls };
  const { password, bearer: token, clientSecret } = planted;
  const oauth2 = (tokenUrl: string): Json => ({ oauth2: { tokenUrl, clientId: 'c', clientSecret } });
  const signingSecret = printed(planted.signing[0]);
  return {
    basic: {
      ...to,
      auth: { basic: { username: 'u', password } },
      signingSecret,
      headers: { 'x-api-key': planted.header },
    },
    failing: { ...to, auth: { bearer: { token } }, headers: { 'x-fail': 'yes' }, retryPolicy: { delays: {} } },
    oauth: { ...to, auth: oauth2(tokens.url) },
    refused: { ...to, auth: oauth2(`http://127.0.0.1:${refusing.port}/token`) },
    proxied: { ...to, egressPool: 'egressPools/via' },
  };
}

/** Creates the tenant and its endpoints; what is shown of secrets that nobody has given. */
async function createAll(caller: CanaryCaller, around: Around): Promise<{ generated: string; apiKey: string }> {
  const { planted } = around;
  const egressPools = ['egressPools/default', 'egressPools/via'];
  await caller.ask('CreateTenant', { tenantId: tenant, tenant: { quotas: { egressPools } } });
  let generated = '';
  for (const [endpointId, endpoint] of Object.entries(endpointsOf(around))) {
    const made = Endpoint.decode(await caller.ask('CreateEndpoint', { parent, endpointId, endpoint }));
    if (endpointId === 'oauth') generated = made.signingSecret;
    const subscription = { eventTypes: [eventType] };
    await caller.ask('CreateSubscription', { parent: made.name, subscriptionId: 'all', subscription });
  }
  await caller.ask('RotateSecret', { name: `${parent}/endpoints/basic`, secret: printed(planted.signing[1]) });
  const list = await caller.ask('ListSecrets', { parent: `${parent}/endpoints/oauth` });
  const { name } = ListSecretsResponse.decode(list).secrets[0] ?? assert.fail('a secret is listed');
  await caller.ask('RevealSecret', { name, reason: 'a test' });
  const key = await caller.ask('CreateApiKey', {
    apiKeyId: 'shown',
    apiKey: { role: 'ROLE_TENANT_VIEWER', tenant: parent },
  });
  assert.equal(caller.refused, 0, String(caller.places().get('errors')));
  return { generated, apiKey: ApiKey.decode(key).keyString };
}

/** Publishes until something has happened to the deliveries of every endpoint. */
async function liveThroughIt(caller: CanaryCaller, stack: Stack, around: Around): Promise<void> {
  const { endpoint, refusing, proxy } = around;
  let published = 0;
  const isDone = async (): Promise<boolean> => {
    const id = `order-${(published += 1)}`;
    const event = { id, source: '/orders', type: eventType, data: Buffer.from('{}').toString('base64') };
    await caller.ask('PublishEvents', { parent, events: [event] });
    const failed = endpoint.seen.filter(({ headers }) => headers['x-fail'] !== undefined).length;
    const isShown = refusing.shown() !== '' && proxy.shown() !== '';
    return isShown && failed >= eventCount && endpoint.seen.length >= 3 * eventCount;
  };
  await waitFor(isDone, { what: 'every endpoint, token server and proxy to be called', timeoutMs: patienceMs });
  const isDead = async (): Promise<boolean> => (await topicContent(stack, 'dead-letters')).length > 0;
  await waitFor(isDead, { what: 'what failed to be dead', timeoutMs: patienceMs });
}

/** Everything that can be read, and changes that hold secrets in such a way that they are refused. */
async function askEverything(caller: CanaryCaller, { planted }: Around, secrets: Readonly<Record<string, string>>) {
  const { client } = planted;
  const endpoints = ['basic', 'failing', 'oauth', 'refused', 'proxied'].map((id) => `${parent}/endpoints/${id}`);
  const reads: [MethodName, Json][] = [
    ['GetTenant', { name: parent }],
    ...(['ListTenants', 'ListApiKeys', 'ListRoleBindings', 'ListKeyEncryptionKeys', 'ListDispatchers'] as const).map(
      (method): [MethodName, Json] => [method, {}],
    ),
    ['ListEgressAddresses', { parent: 'egressPools/via' }],
    ...(['ListEgressPools', 'ListPauses', 'ListAuditEntries'] as const).map((method): [MethodName, Json] => [
      method,
      {},
    ]),
    ...(['ExportAuditEntries', 'VerifyAuditChain'] as const).map((method): [MethodName, Json] => [method, {}]),
    ['ListEndpoints', { parent }],
    ...endpoints.flatMap((name): [MethodName, Json][] => [
      ['GetEndpoint', { name }],
      ['ListSecrets', { parent: name }],
      ['ListSubscriptions', { parent: name }],
      ['GetEndpointBacklog', { name }],
    ]),
  ];
  for (const [method, request] of reads) await caller.ask(method, request);
  assert.equal(caller.refused, 0, String(caller.places().get('errors')));
  const list = await caller.ask('ListApiKeys', {});
  assert.equal(ListApiKeysResponse.decode(list).apiKeys.length > 0, true);
  const name = endpoints[0] ?? '';
  const url = 'https://hooks.example.com/';
  const wrong = Object.values(secrets).flatMap((secret): Json[] => [
    { url: `https://user:${encodeURIComponent(secret)}@hooks.example.com/` },
    { url: `http://[${secret}` },
    { url, auth: { basic: { username: 'a:b', password: secret } } },
    { url, auth: { bearer: { token: `${secret}\n` } } },
    {
      url,
      auth: {
        oauth2: {
          tokenUrl: `https://u:${encodeURIComponent(secret)}@tokens.example.com/`,
          clientId: '',
          clientSecret: secret,
        },
      },
    },
    { url, headers: { 'x-api-key': `${secret}\n` } },
    { url, headers: { 'webhook-signature': secret } },
    { url, signingSecret: `${secret}=` },
    { url, tls: { clientCertificatePem: secret, clientKeyPem: secret } },
    { url, tls: { clientCertificatePem: client.cert.slice(0, 300), clientKeyPem: client.key } },
    { url, tls: { clientCertificatePem: client.cert, clientKeyPem: client.key.replace('-----END', '----END') } },
  ]);
  const from = caller.refused;
  for (const endpoint of wrong) await caller.ask('CreateEndpoint', { parent, endpointId: '', endpoint });
  for (const secret of Object.values(secrets)) {
    await caller.ask('RotateSecret', { name, secret });
    await caller.ask('RotateSecret', { name, secret: `whsec_${secret}` });
    await caller.ask('ListEndpoints', { parent, pageToken: secret });
    await caller.ask('UpdateEndpoint', { endpoint: { name, url, etag: secret }, updateMask: 'url' });
    await caller.ask('GetTenant', { name: parent }, `${secret}x`.replaceAll(/[^!-~]/g, '-'));
  }
  const expected = wrong.length + 5 * Object.keys(secrets).length;
  assert.equal(caller.refused - from, expected, 'all of it is refused');
}

async function topicContent(stack: Stack, id: TopicId): Promise<Buffer> {
  const parts: Buffer[] = [];
  await stack.topicRecords(id, ({ key, value, headers }) => {
    for (const part of [key, value, ...Object.values(headers).flat()]) if (Buffer.isBuffer(part)) parts.push(part);
  });
  return Buffer.concat(parts);
}

async function topicPlaces(stack: Stack): Promise<Map<string, Buffer>> {
  const specs = topicSpecs({ prefix: '', partitions: 1, replicationFactor: 1, bodyBytesMax: 1 });
  const contents = specs.map(
    async ({ name }) => [`topic ${name}`, await topicContent(stack, name as TopicId)] as const,
  );
  return new Map(await Promise.all(contents));
}

/** A dispatcher whose secrets are not what they should be, so that it says so and ends; all that it says. */
async function refusedStart({ planted, redis, file }: Around, brokers: readonly string[]): Promise<Buffer> {
  const via = { kind: 'proxy', proxyUrl: `http://u:${planted.bearer}@127.0.0.1`, passwordFile: file('kek') };
  writeFileSync(file('wrong-pools'), JSON.stringify({ via }));
  await using service = startService('dispatcher', {
    POSTRIDER_KAFKA_BROKERS: brokers.join(','),
    POSTRIDER_KEK: `${planted.kek.toString('hex')}00`,
    POSTRIDER_REDIS_URL: `${redis.url}/no-number`,
    POSTRIDER_EGRESS_POOLS_FILE: file('wrong-pools'),
  });
  await waitFor(() => !service.running, { what: 'it to refuse to start', timeoutMs: patienceMs });
  for (const name of ['POSTRIDER_KEK', 'POSTRIDER_REDIS_URL', 'POSTRIDER_EGRESS_POOLS_FILE']) {
    assert.ok(service.log.includes(name), service.log);
  }
  return Buffer.from(service.log);
}

/** What `postrider doctor` prints. */
async function doctorSays({ grpcPort, adminKey, topicPrefix }: Stack, brokers: readonly string[]): Promise<Buffer> {
  const env = {
    ...{ POSTRIDER_SERVER: `127.0.0.1:${grpcPort}`, POSTRIDER_API_KEY: adminKey, PATH: process.env['PATH'] },
    ...{ POSTRIDER_KAFKA_BROKERS: brokers.join(','), POSTRIDER_TOPIC_PREFIX: topicPrefix },
  };
  const main = join(import.meta.dirname, '../../packages/cli/src/main.ts');
  const run = promisify(execFile)(process.execPath, [main, 'doctor', '--json'], { env });
  const { stdout, stderr } = await run.catch((error: unknown) => error as { stdout: string; stderr: string });
  assert.match(stdout, /"findings"/, stderr);
  return Buffer.from(`${stdout}${stderr}`);
}

/** Has each process write what Node tells of it, and crash; the reports. */
async function crash(stack: Stack, { file }: Around): Promise<Buffer> {
  const services = [stack.controlPlane, stack.router, stack.dispatcher];
  for (const service of services) service.signal('SIGUSR2');
  const reports = (): string[] => readdirSync(file('')).filter((name) => name.startsWith('report.'));
  const whole = (): boolean =>
    reports().length === services.length && reports().every((name) => /\}\s*$/.test(readFileSync(file(name), 'utf8')));
  await waitFor(whole, { what: 'a report of each process', timeoutMs: patienceMs });
  for (const service of services) await service.kill('SIGABRT');
  return Buffer.concat(reports().map((name) => readFileSync(file(name))));
}

/** A token that is believed, and one that is not any more. */
async function tokensOf(issuer: Awaited<ReturnType<typeof issuerKey>>): Promise<[string, string]> {
  const hourAgo = Date.now() - 3_600_000;
  return [await signed(issuer, claims(Date.now())), await signed(issuer, claims(hourAgo))];
}

/** What only these answers may show, and must. */
const shown: Readonly<Record<string, readonly string[]>> = {
  'shown by CreateEndpoint': ['generated signing secret', 'signing secret 0', 'signing secret 0, printed'],
  'shown by RotateSecret': ['signing secret 1', 'signing secret 1, printed'],
  'shown by RevealSecret': ['generated signing secret'],
  'shown by CreateApiKey': ['API key'],
};

/** Places in which the tenant must stand: they are looked through as they should be. */
const telling = [
  ...['topic config', 'topic events', 'topic deliveries', 'topic dead-letters', 'topic attempts', 'topic audit'],
  ...['answers', 'errors', 'collector traces', 'dispatcher-1 output'],
];

test('of what is secret nothing stands in what real processes write, say or are asked, but where it is meant to be shown', async () => {
  await using stack = new AsyncDisposableStack();
  const around = await startAround(stack);
  const { planted, redis, collector, file } = around;
  const issuer = await issuerKey('one');
  const [token, endedToken] = await tokensOf(issuer);
  const envOf = await settings(around, `prk_test_${randomBytes(16).toString('hex')}`, { keys: [issuer.jwk] });
  const kafka = await sharedKafka();
  const options = { kekFile: file('kek'), adminKeyFile: file('admin-key'), logLevel: 'debug', envOf };
  const run = stack.use(await startStack({ kafka, partitions: 4, ...options }));
  const caller = stack.use(canaryCaller(run.grpcPort, run.adminKey, showing));
  const { generated, apiKey } = await createAll(caller, around);
  await liveThroughIt(caller, run, around);
  const { password, clientSecret, header, bearer, signing } = planted;
  const given = { password, clientSecret, header, bearer, adminKey: run.adminKey, apiKey, token, endedToken };
  await askEverything(caller, around, { ...given, signing: printed(signing[0]) });
  for (const key of [token, endedToken]) await caller.ask('GetTenant', { name: parent }, key);

  const services = [run.controlPlane, run.router, run.dispatcher];
  const traces = (): boolean => collector.received('traces').includes(tenant);
  await waitFor(() => traces() && collector.received('metrics').length > 0, {
    what: 'telemetry',
    timeoutMs: patienceMs,
  });
  const places = new Map([
    ...caller.places(),
    ...(await Promise.all(services.map(processPlaces))).flatMap((one) => [...one]),
    ...(await topicPlaces(run)),
    ['Redis', await redisContent(redis.port, planted.redisPassword)] as const,
    ['a refused start', await refusedStart(around, kafka.bootstrapServers)] as const,
    ['doctor', await doctorSays(run, kafka.bootstrapServers)] as const,
    ['reports', await crash(run, around)] as const,
    ...services.map(({ name, log }) => [`${name} output`, Buffer.from(log)] as const),
    ...['traces', 'metrics', 'logs'].map((signal) => [`collector ${signal}`, collector.received(signal)] as const),
  ]);

  const texts = { adminKey: run.adminKey, 'API key': apiKey, token, 'ended token': endedToken };
  const canaries: Canary[] = [...canariesOf(planted, texts), generatedCanary(generated)];
  const seen = sightings(canaries, places);
  const told = JSON.stringify(Object.fromEntries([...places].map(([place, bytes]) => [place, bytes.length])));
  assert.deepEqual(
    seen.filter(({ where, what }) => shown[where]?.includes(what) !== true),
    [],
    told,
  );
  for (const [where, whats] of Object.entries(shown))
    for (const what of whats)
      assert.ok(
        seen.some((one) => one.where === where && one.what === what),
        `${where}: ${what}`,
      );
  for (const place of telling)
    assert.ok(places.get(place)?.includes(tenant), `${place} does not tell of the tenant: ${told}`);
});
