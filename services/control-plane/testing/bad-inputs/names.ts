import type { JsonObject } from '@bufbuild/protobuf';
import { ENDPOINT, SUBSCRIPTION, TENANT, URL_THAT_MAY, shown, type BadInput } from './bad-input.ts';
import type { MethodName } from '@postrider/core';

/** The methods that name a resource, with a name that has its form and that nothing has. */
const naming: readonly (readonly [method: MethodName, absent: string, more?: JsonObject])[] = [
  ['GetTenant', 'tenants/absent'],
  ['DeleteTenant', 'tenants/absent'],
  ['GetEndpoint', `${TENANT}/endpoints/absent`],
  ['DeleteEndpoint', `${TENANT}/endpoints/absent`],
  ['EnableEndpoint', `${TENANT}/endpoints/absent`],
  ['DisableEndpoint', `${TENANT}/endpoints/absent`],
  ['GetSubscription', `${ENDPOINT}/subscriptions/absent`],
  ['DeleteSubscription', `${ENDPOINT}/subscriptions/absent`],
  ['GetApiKey', 'apiKeys/absent'],
  ['RevokeApiKey', 'apiKeys/absent'],
  ['DeleteApiKey', 'apiKeys/absent'],
  ['GetRoleBinding', 'roleBindings/absent'],
  ['DeleteRoleBinding', 'roleBindings/absent'],
  ['PauseDeliveries', 'tenants/absent', { reason: 'a reason' }],
  ['ResumeDeliveries', 'tenants/absent'],
  ['GetOperation', 'operations/absent'],
  ['WaitOperation', 'operations/absent'],
  ['DeleteOperation', 'operations/absent'],
  ['GetEgressPool', 'egressPools/absent'],
  ['RetireEgressAddress', 'egressPools/default/addresses/192.0.2.1'],
];
/** Of no form that any of them has. */
const noNames = [
  '',
  '/',
  '..',
  'tenants',
  'tenants/',
  'tenants//endpoints/',
  `x/${'y'.repeat(2_000)}`,
  'tenants/acme/endpoints/one/more',
];

const resources: readonly BadInput[] = naming.flatMap(([method, absent, more = {}]) => [
  ...noNames.map((name) => ({
    ...{ what: `${method} of ${shown(name)}`, method, fields: ['name'] },
    request: { ...more, name },
  })),
  { what: `${method} of what is not there`, method, request: { ...more, name: absent }, code: 'NOT_FOUND' },
]);

/** Ids that clients choose. */
const noIds = ['Upper', '-a', '1a', 'a b', 'a/b', 'ü', 'a\n', 'x'.repeat(64), '__proto__ '];
const chosen = (id: string): readonly BadInput[] => [
  { what: `a tenant ${shown(id)}`, method: 'CreateTenant', request: { tenant_id: id }, fields: ['tenant_id'] },
  {
    ...{ what: `an endpoint ${shown(id)}`, method: 'CreateEndpoint', fields: ['endpoint_id'] },
    request: { parent: TENANT, endpoint_id: id, endpoint: { url: URL_THAT_MAY } },
  },
  {
    ...{ what: `a subscription ${shown(id)}`, method: 'CreateSubscription', fields: ['subscription_id'] },
    request: { parent: ENDPOINT, subscription_id: id, subscription: { event_types: ['*'] } },
  },
];
const taken: readonly BadInput[] = [
  { what: 'a tenant without an id', method: 'CreateTenant', request: {}, fields: ['tenant_id'] },
  { what: 'a tenant that there is', method: 'CreateTenant', request: { tenant_id: 'acme' }, code: 'ALREADY_EXISTS' },
  {
    ...{ what: 'an endpoint that there is', method: 'CreateEndpoint', code: 'ALREADY_EXISTS' },
    request: { parent: TENANT, endpoint_id: 'one', endpoint: { url: URL_THAT_MAY } },
  },
  {
    ...{ what: 'an endpoint of no tenant', method: 'CreateEndpoint', code: 'NOT_FOUND' },
    request: { parent: 'tenants/absent', endpoint: { url: URL_THAT_MAY } },
  },
  {
    ...{ what: 'a request id of 129 characters', method: 'CreateTenant', fields: ['request_id'] },
    request: { tenant_id: 'another', request_id: 'x'.repeat(129) },
  },
];

/** Pages: the method, and where its lists are. */
const lists: readonly (readonly [method: MethodName, parent: JsonObject])[] = [
  ['ListTenants', {}],
  ['ListEndpoints', { parent: TENANT }],
  ['ListSubscriptions', { parent: ENDPOINT }],
  ['ListApiKeys', {}],
  ['ListRoleBindings', {}],
  ['ListPauses', {}],
  ['ListEventTypes', {}],
  ['ListOperations', {}],
  ['ListEgressPools', {}],
  ['ListEgressAddresses', { parent: 'egressPools/-' }],
];
const noTokens = [
  'x',
  ' ',
  'AAAA',
  Buffer.from('tenants/acme').toString('base64url'),
  'x'.repeat(100_000),
  '%00',
  '../../etc/passwd',
];
const pages: readonly BadInput[] = lists.flatMap(([method, parent]) => [
  ...[-1, -2_147_483_648].map((page_size) => ({
    ...{ what: `${method} of ${page_size} entries`, method, fields: ['page_size'] },
    request: { ...parent, page_size },
  })),
  ...noTokens.map((page_token) => ({
    ...{ what: `${method} with the token ${shown(page_token)}`, method, fields: ['page_token'] },
    request: { ...parent, page_token },
  })),
]);

/** What an update may name. */
const noPaths = [
  '',
  ' ',
  'nothing',
  'name',
  'uid',
  'create_time',
  'revision',
  'etag.x',
  'url.',
  '.url',
  'Url',
  'headers.x',
  'constructor',
  '__proto__',
];
const masks: readonly BadInput[] = [
  ...noPaths.map((path): BadInput => ({
    ...{ what: `an update of ${shown(path)}`, method: 'UpdateEndpoint', fields: ['update_mask'] },
    request: updateOf(path),
  })),
  { what: 'an update of * and more', method: 'UpdateEndpoint', request: updateOf('*', 'url'), fields: ['update_mask'] },
  { what: 'an update of nothing', method: 'UpdateEndpoint', request: {}, fields: ['endpoint'] },
  {
    what: 'an update without a name',
    method: 'UpdateEndpoint',
    request: { endpoint: { url: URL_THAT_MAY } },
    fields: ['endpoint.name'],
  },
  {
    what: 'an update that takes the URL away',
    method: 'UpdateEndpoint',
    request: updateOf('url'),
    fields: ['endpoint.url'],
  },
  ...(['UpdateTenant', 'UpdateSubscription', 'UpdateApiKey', 'UpdateEventType'] as const).map((method): BadInput => ({
    what: `${method} of nothing`,
    method,
    request: {},
    fields: [fieldOf(method)],
  })),
];

/** As JSON, a mask of paths that have no JSON form is not possible: the bytes are made by hand. */
function updateOf(...paths: readonly string[]): Buffer {
  const mask = Buffer.concat(paths.map((path) => text(1, Buffer.from(path))));
  return Buffer.concat([text(1, text(1, Buffer.from(ENDPOINT))), text(2, mask)]);
}

function text(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
}

function fieldOf(method: MethodName): string {
  return method
    .replace('Update', '')
    .replaceAll(/(?<!^)[A-Z]/g, (letter) => `_${letter}`)
    .toLowerCase();
}

/** What somebody else has changed meanwhile. */
const etags: readonly BadInput[] = [
  ['DeleteTenant', TENANT] as const,
  ['DeleteEndpoint', ENDPOINT] as const,
  ['EnableEndpoint', ENDPOINT] as const,
  ['DisableEndpoint', ENDPOINT] as const,
  ['DeleteSubscription', SUBSCRIPTION] as const,
].flatMap(([method, name]) =>
  ['stale', 'x'.repeat(10_000)].map((etag) => ({
    ...{ what: `${method} with the etag ${shown(etag)}`, method, code: 'ABORTED' },
    request: { name, etag },
  })),
);

/** Who is given what. */
const access: readonly BadInput[] = [
  { what: 'a key without a role', method: 'CreateApiKey', request: { api_key: {} }, fields: ['api_key.role'] },
  { what: 'a key of nothing', method: 'CreateApiKey', request: {}, fields: ['api_key'] },
  {
    ...{ what: 'a key that ended yesterday', method: 'CreateApiKey', fields: ['api_key.expire_time'] },
    request: { api_key: { role: 'ROLE_ADMIN', expire_time: '2020-01-01T00:00:00Z' } },
  },
  {
    ...{ what: 'a key of no tenant’s name', method: 'CreateApiKey', fields: ['api_key.tenant'] },
    request: { api_key: { role: 'ROLE_ADMIN', tenant: 'acme' } },
  },
  ...['', 'acme', 'user/', 'user/ü', 'user/a b', `user/${'x'.repeat(256)}`, 'api-key/', 'api-key/A', 'root'].map(
    (principal): BadInput => ({
      ...{ what: `a role for ${shown(principal)}`, method: 'CreateRoleBinding', fields: ['role_binding.principal'] },
      request: { role_binding: { principal, role: 'ROLE_ADMIN' } },
    }),
  ),
  { what: 'a role for nobody', method: 'CreateRoleBinding', request: {}, fields: ['role_binding'] },
];

const reasons: readonly BadInput[] = ['', 'a\nb', 'x'.repeat(501)].map((reason) => ({
  ...{ what: `a pause because of ${shown(reason)}`, method: 'PauseDeliveries', fields: ['reason'] },
  request: { name: TENANT, reason },
}));
const others: readonly BadInput[] = [
  ...reasons,
  {
    ...{ what: 'a pause until yesterday', method: 'PauseDeliveries', fields: ['expire_time'] },
    request: { name: TENANT, reason: 'a', expire_time: '2020-01-01T00:00:00Z' },
  },
  ...[
    '',
    '192.0.2',
    '192.0.2.7/24',
    '0.0.0.0/0',
    '2001::/31',
    'example.com',
    '127.1',
    '1.2.3.4/33',
    '::1%lo',
    ' 192.0.2.7',
  ].map((cidr): BadInput => ({
    ...{ what: `the source address ${shown(cidr)}`, method: 'AnnounceEgressAddress', fields: ['cidr'] },
    request: { parent: 'egressPools/default', cidr },
  })),
  {
    ...{ what: 'a source address in ten years', method: 'AnnounceEgressAddress', fields: ['effective_time'] },
    request: { parent: 'egressPools/default', cidr: '192.0.2.7', effective_time: '2099-01-01T00:00:00Z' },
  },
  {
    ...{
      what: 'a source address tomorrow, without force',
      method: 'AnnounceEgressAddress',
      fields: ['effective_time'],
    },
    request: { parent: 'egressPools/default', cidr: '192.0.2.7', effective_time: '2020-01-01T00:00:00Z' },
  },
];

/** Names, ids, pages, masks, etags, roles and reasons. */
export const badNames: readonly BadInput[] = [
  ...[...resources, ...noIds.flatMap(chosen), ...taken, ...pages, ...masks, ...etags, ...access, ...others],
];
