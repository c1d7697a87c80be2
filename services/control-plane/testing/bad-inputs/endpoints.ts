import { TENANT, endpointWith, shown, type BadInput } from './bad-input.ts';

const url = (text: string, reason: string): BadInput =>
  endpointWith(`the URL ${shown(text)}`, { url: text }, 'endpoint.url', reason);
const secret = (what: string, signing_secret: string): BadInput =>
  endpointWith(`a secret: ${what}`, { signing_secret }, 'endpoint.signing_secret');
/** Of bytes that differ: what has nothing wrong but its form. */
const distinct = (count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, at) => (at * 37 + 11) & 255));
const bytes = (count: number): string => `whsec_${distinct(count).toString('base64')}`;
const V1A = { scheme: 'SIGNATURE_SCHEME_STANDARD_V1A' };

/** URLs of each reason; all the ways of forging one are in the corpus. */
const urls: readonly BadInput[] = [
  url('', 'URL_EMPTY'),
  url('http://hooks.acme.dev/', 'URL_SCHEME'),
  url('ftp://hooks.acme.dev/', 'URL_SCHEME'),
  url('https://127.0.0.1/', 'URL_ADDRESS'),
  url('https://10.0.0.1/', 'URL_ADDRESS'),
  url('https://[::1]/', 'URL_ADDRESS'),
  url('https://[::ffff:127.0.0.1]/', 'URL_ADDRESS'),
  url('https://169.254.169.254/latest/meta-data', 'URL_ADDRESS'),
  url('https://localhost/', 'URL_HOST'),
  url('https://intranet/', 'URL_HOST'),
  url('https://kafka.svc.cluster.local/', 'URL_HOST_SPECIAL'),
  url('https://user:pass@hooks.acme.dev/', 'URL_USER_INFO'),
  url('https://hooks.acme.dev/#x', 'URL_FRAGMENT'),
  url('https://hooks.acme.dev:22/', 'URL_PORT'),
  url('https://0x7f.1/', 'URL_HOST_NOT_CANONICAL'),
  url('https://2130706433/', 'URL_HOST_NOT_CANONICAL'),
  url(`https://hooks.acme.dev/${'a'.repeat(2_048)}`, 'URL_TOO_LONG'),
];

/** Signing secrets that a tenant brings along. */
const secrets: readonly BadInput[] = [
  secret('of 23 bytes', bytes(23)),
  secret('of 65 bytes', bytes(65)),
  secret('of no byte', 'whsec_'),
  secret('of nothing but zeros', `whsec_${Buffer.alloc(32).toString('base64')}`),
  secret('without its prefix', distinct(32).toString('base64')),
  secret('with another prefix', bytes(32).replace('whsec_', 'sk_live_')),
  secret('with its prefix in capitals', bytes(32).replace('whsec_', 'WHSEC_')),
  secret('that is not base64', 'whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!'),
  secret('in the alphabet of URLs', `whsec_${Buffer.alloc(33, 0xfb).toString('base64url')}`),
  secret('with white space before it', ` ${bytes(32)}`),
  secret('with a line feed behind it', `${bytes(32)}\n`),
  secret('with white space in it', `${bytes(32).slice(0, 20)} ${bytes(32).slice(20)}`),
  secret('a public key', `whpk_${distinct(32).toString('base64')}`),
  secret('of a scheme that the endpoint does not sign by', `whsk_${distinct(64).toString('base64')}`),
  secret('of a megabyte, nearly', `whsec_${'A'.repeat(900_000)}`),
  endpointWith(
    'a secret: an ed25519 key whose public half is another one’s',
    { signing: V1A, signing_secret: `whsk_${distinct(64).toString('base64')}` },
    'endpoint.signing_secret',
  ),
  endpointWith('a secret: of the other scheme', { signing: V1A, signing_secret: bytes(32) }, 'endpoint.signing_secret'),
];

const auth = (what: string, given: Parameters<typeof endpointWith>[1], part: string): BadInput =>
  endpointWith(`authentication: ${what}`, { auth: given }, `endpoint.auth${part}`);
const oauth2 = (changes: Parameters<typeof endpointWith>[1]) => ({
  oauth2: { token_url: 'https://auth.acme.dev/token', client_id: 'a', client_secret: 'b', ...changes },
});
const tls = (what: string, given: Parameters<typeof endpointWith>[1], part: string): BadInput =>
  endpointWith(`TLS: ${what}`, { tls: given }, `endpoint.tls${part}`);

/** How an endpoint is told who calls. */
const credentials: readonly BadInput[] = [
  auth('none that is known', {}, ''),
  auth('a user name with a colon', { basic: { username: 'a:b', password: 'c' } }, '.basic.username'),
  auth('a user name with a line feed', { basic: { username: 'a\nb', password: 'c' } }, '.basic.username'),
  auth('no password', { basic: { username: 'a' } }, '.basic.password'),
  auth('a password of 4 KiB and a byte', { basic: { username: 'a', password: 'x'.repeat(4_097) } }, '.basic.password'),
  auth('no token', { bearer: {} }, '.bearer.token'),
  auth('a token with a line feed', { bearer: { token: 'a\r\nx: y' } }, '.bearer.token'),
  auth('a token with a space', { bearer: { token: 'a b' } }, '.bearer.token'),
  auth(
    'a token page at a forbidden address',
    oauth2({ token_url: 'https://169.254.169.254/token' }),
    '.oauth2.token_url',
  ),
  auth('a token page over http', oauth2({ token_url: 'http://auth.acme.dev/token' }), '.oauth2.token_url'),
  auth('no token page', oauth2({ token_url: '' }), '.oauth2.token_url'),
  auth('no client id', oauth2({ client_id: '' }), '.oauth2.client_id'),
  auth('no client secret', oauth2({ client_secret: '' }), '.oauth2.client_secret'),
  auth('a scope with a space', oauth2({ scopes: ['a b'] }), '.oauth2.scopes[0]'),
  auth('an empty scope', oauth2({ scopes: ['a', ''] }), '.oauth2.scopes[1]'),
  tls('a key without a certificate', { client_key_pem: 'y' }, '.client_key_pem'),
  tls('authorities that are none', { ca_pem: 'x' }, '.ca_pem'),
];

const long = 'x'.repeat(1_000);
const tenant = (what: string, given: Parameters<typeof endpointWith>[1], field: string): BadInput => ({
  ...{ what: `a tenant with ${what}`, method: 'CreateTenant', fields: [`tenant.${field}`] },
  request: { tenant_id: 'another', tenant: given },
});

/** What people write beside it. */
const texts: readonly BadInput[] = [
  endpointWith('a name of 201 characters', { display_name: 'x'.repeat(201) }, 'endpoint.display_name'),
  ...['\u0000', '\n', '\u001b[31m', '\u007f', '\u0085'].map((text) =>
    endpointWith(`a name with ${shown(text)}`, { display_name: `a${text}b` }, 'endpoint.display_name'),
  ),
  endpointWith(
    '65 labels',
    { labels: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`l${at}`, ''])) },
    'endpoint.labels',
  ),
  endpointWith('a label without a key', { labels: { '': 'x' } }, 'endpoint.labels[""]'),
  endpointWith('a label with a long key', { labels: { [long]: 'x' } }, `endpoint.labels["${long.slice(0, 63)}"]`),
  endpointWith('a label with a long value', { labels: { a: long } }, 'endpoint.labels["a"]'),
  endpointWith('a label with a line feed', { labels: { a: 'b\nc' } }, 'endpoint.labels["a"]'),
  endpointWith('a profile that there is not', { profile: 'legacy' }, 'endpoint.profile'),
  endpointWith('an egress pool that there is not', { egress_pool: 'egressPools/none' }, 'endpoint.egress_pool'),
  endpointWith('an egress pool by its bare name', { egress_pool: 'default' }, 'endpoint.egress_pool'),
  { what: 'no endpoint at all', method: 'CreateEndpoint', request: { parent: TENANT }, fields: ['endpoint'] },
  tenant('a name of two lines', { display_name: 'a\nb' }, 'display_name'),
  tenant('a label without a key', { labels: { '': 'x' } }, 'labels[""]'),
  tenant('a quota that nothing obeys', { quotas: { deliveries_per_second: 5 } }, 'quotas.deliveries_per_second'),
  tenant(
    'an egress pool that there is not',
    { quotas: { egress_pools: ['egressPools/none'] } },
    'quotas.egress_pools[0]',
  ),
];

/** Everything else of an endpoint and its tenant. */
export const badEndpoints: readonly BadInput[] = [...urls, ...secrets, ...credentials, ...texts];
