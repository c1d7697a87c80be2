/** `postrider tenant …` against a played server that keeps one tenant. Observed: what it is told, and what is printed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import {
  EndpointServiceService,
  type EndpointServiceServer,
  type UpdateEndpointRequest,
} from '@postrider/contract/postrider/v1/endpoint_service';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import {
  SubscriptionServiceService,
  type SubscriptionServiceServer,
} from '@postrider/contract/postrider/v1/subscription_service';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import {
  TenantServiceService,
  type TenantServiceServer,
  type UpdateTenantRequest,
} from '@postrider/contract/postrider/v1/tenant_service';
import { cli } from '../test-context.ts';
import { describeTenant } from './tenant.ts';

const full = Tenant.fromPartial({
  name: 'tenants/acme',
  displayName: 'Acme Ltd',
  state: 'TENANT_STATE_DELETING',
  labels: { plan: 'gold', region: 'eu' },
  quotas: { endpointsMax: 7, apiKeysMax: 3, egressPools: ['egressPools/partners'] },
  createTime: new Date(0),
  updateTime: new Date(1),
  deleteTime: new Date(2),
  deleteOperation: 'operations/op_1',
  etag: 'e1',
  revision: 'r1',
  verification: 'VERIFICATION_MODE_CHALLENGE',
});
const endpoint = Endpoint.fromPartial({
  name: 'tenants/acme/endpoints/orders',
  labels: { plan: 'gold' },
  headers: { 'X-Team': 'a', 'X-Key': '[secret]' },
  etag: 'e2',
});
let told: UpdateTenantRequest | undefined;
let subscribed = '';
let toldOfEndpoint: UpdateEndpointRequest | undefined;
const server = new Server();
let port = 0;

before(async () => {
  const tenants: Pick<TenantServiceServer, 'getTenant' | 'updateTenant' | 'createTenant'> = {
    getTenant: (_call, callback) => callback(null, full),
    createTenant: (_call, callback) => callback(null, full),
    updateTenant({ request }, callback) {
      told = request;
      callback(null, full);
    },
  };
  const endpoints: Pick<EndpointServiceServer, 'createEndpoint' | 'getEndpoint' | 'updateEndpoint'> = {
    createEndpoint: (_call, callback) => callback(null, { ...endpoint, signingSecret: 'whsec_a' }),
    getEndpoint: (_call, callback) => callback(null, endpoint),
    updateEndpoint({ request }, callback) {
      toldOfEndpoint = request;
      callback(null, endpoint);
    },
  };
  const subscriptions: Pick<SubscriptionServiceServer, 'createSubscription'> = {
    createSubscription({ request: { parent, subscription } }, callback) {
      subscribed = `${parent} ${subscription?.eventTypes.join(' ')}`;
      if (subscription?.eventTypes.includes('no')) return callback({ code: status.INVALID_ARGUMENT, details: 'no' });
      callback(null, Subscription.fromPartial({ ...subscription, name: `${parent}/subscriptions/sub1` }));
    },
  };
  server.addService(SubscriptionServiceService, { ...subscriptions });
  server.addService(TenantServiceService, { ...tenants });
  server.addService(EndpointServiceService, { ...endpoints });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error === null ? resolve(bound) : reject(error),
  );
  port = await promise;
});
after(() => server.forceShutdown());

const run = (...args: string[]) => cli([...args, '--server', `127.0.0.1:${port}`, '--api-key', 'k']);

test('labels and headers that are not named stay; what is removed goes; nobody changes them in between', async () => {
  const { exitCode, err } = await run('tenant', 'update', 'acme', '--label', 'a=b', '--remove-label', 'plan');
  assert.equal(exitCode, 0, err);
  assert.deepEqual({ ...told?.tenant?.labels }, { region: 'eu', a: 'b' });
  assert.deepEqual([told?.tenant?.etag, told?.updateMask], ['e1', ['labels']]);
  await run('endpoint', 'update', 'acme/orders', '--header', 'X-Two=2', '--remove-header', 'x-team', '--label', 'n=1');
  const { labels, headers, etag } = toldOfEndpoint?.endpoint ?? assert.fail();
  assert.deepEqual({ ...headers }, { 'X-Key': '[secret]', 'X-Two': '2' });
  assert.deepEqual([{ ...labels }, etag], [{ plan: 'gold', n: '1' }, 'e2']);
  const absent = await run('endpoint', 'update', 'acme/orders', '--remove-header', 'X-None');
  assert.deepEqual([absent.exitCode, /no header "X-None"/.test(absent.err)], [4, true]);
});

test('quotas are set one by one', async () => {
  await run('tenant', 'update', 'acme', '--quota', 'endpoints=9', '--quota', 'deliveries-per-second=0');
  assert.deepEqual(told?.updateMask, ['quotas.endpoints_max', 'quotas.deliveries_per_second']);
  assert.deepEqual([told?.tenant?.quotas?.endpointsMax, told?.tenant?.etag], [9, '']);
  for (const wrong of ['endpoints', 'endpoints=-1', 'endpoints=1=2', 'toString=1', 'pools=1']) {
    assert.equal((await run('tenant', 'update', 'acme', '--quota', wrong)).exitCode, 2, wrong);
  }
});

test('a tenant is shown with every field that is set', async () => {
  const { out } = await run('tenant', 'get', 'acme');
  assert.match(out, /^Quotas +endpoints=7, api-keys=3$/m);
  for (const field of Object.keys(full).filter((name) => name !== '_unknownFields') as (keyof Tenant)[]) {
    const without = { ...full, [field]: Tenant.fromPartial({})[field] };
    assert.notEqual(describeTenant(without), out, `${field} is not shown`);
  }
});

test('an endpoint is subscribed as it is made, or told to be subscribed to nothing; its secret comes first', async () => {
  const create = ['endpoint', 'create', 'acme', '--url', 'https://a.example'];
  const without = await run(...create);
  assert.match(without.err, /subscribed to nothing yet.*postrider subscription create acme\/orders/);
  const { out, err } = await run(...create, '--event-types', 'order.*, invoice.paid');
  assert.equal(subscribed, 'tenants/acme/endpoints/orders order.* invoice.paid');
  assert.match(out, /whsec_a.*\nSubscribed +acme\/orders\/sub1 to order\.\*, invoice\.paid\n$/);
  assert.equal(err, '');
  const failed = await run(...create, '--event-types', 'no');
  assert.deepEqual([failed.exitCode, /whsec_a/.test(failed.out)], [1, true]);
});
