/** Passing calls on to the leader, over real sockets. Double: the leader. Observed: what travels, and what comes back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { credentials, Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { CreateTenantRequest, TenantServiceService } from '@postrider/contract/postrider/v1/tenant_service';
import { systemClock } from '@postrider/runtime';
import { createForwardCall } from './forward-call.ts';
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type { ForwardCall } from './forward-call.ts';

/** Field 1000, a text: nothing that this version knows. */
const ofTomorrow = Buffer.from([0xc2, 0x3e, 3, ...Buffer.from('new')]);
const asIs = (bytes: Buffer): Buffer => bytes;

const came: Buffer[] = [];
const headers: Metadata[] = [];
const answer = Buffer.concat([Tenant.encode(Tenant.fromPartial({ name: 'tenants/a' })).finish(), ofTomorrow]);
const leader = new Server();
const plain = { credentials: credentials.createInsecure(), options: {} };
const others = { clock: systemClock, showing: { passOn: () => {} }, channelTo: () => plain };
const forward = createForwardCall({ processId: 'follower', ...others });
forward.know(TenantServiceService);
const { createTenant } = TenantServiceService;
let address = '';
before(async () => {
  const asBytes = {
    requestDeserialize: asIs,
    requestSerialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  const method = { ...TenantServiceService.createTenant, ...asBytes };
  leader.addService(
    { createTenant: method },
    {
      createTenant({ request, metadata }: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) {
        came.push(request);
        headers.push(metadata);
        callback(null, answer);
      },
    },
  );
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  leader.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  );
  address = `127.0.0.1:${await promise}`;
});
after(() => {
  forward[Symbol.dispose]();
  leader.forceShutdown();
});

function passOn(bytes: Buffer, metadata = new Metadata()) {
  const request = createTenant.requestDeserialize(bytes);
  return through(forward, { request, metadata });
}

function through(by: ForwardCall, call: { readonly request: CreateTenantRequest; readonly metadata: Metadata }) {
  const rest = {
    getPath: () => createTenant.path,
    getPeer: () => '192.0.2.7:40000',
    getDeadline: () => Infinity,
    cancelled: false,
    getAuthContext: () => ({}),
  };
  return by.to<CreateTenantRequest, Tenant>(address, { ...call, ...rest }, new AbortController().signal);
}

const request = Buffer.from(CreateTenantRequest.encode(CreateTenantRequest.fromPartial({ tenantId: 'a' })).finish());

test('what a newer version has put into a request, or into its answer, is not lost on the way', async () => {
  const sent = Buffer.concat([request, ofTomorrow]);
  const routed = await passOn(sent);
  assert.deepEqual(came.at(-1), sent);
  assert.ok(routed !== null);
  assert.equal(routed.response.name, 'tenants/a');
  assert.deepEqual(createTenant.responseSerialize(routed.response), answer);
});

test('the caller’s authorization goes along, and who passed the call on is told', async () => {
  const metadata = new Metadata();
  metadata.set('authorization', 'Bearer prk_x');
  await passOn(request, metadata);
  const told = ['authorization', 'postrider-forwarded-by'].map((name) => headers.at(-1)?.get(name));
  assert.deepEqual(told, [['Bearer prk_x'], ['follower']]);
});

test('a proxy for what leaves the cluster is not asked the way to a replica', async () => {
  const before = process.env['http_proxy'];
  process.env['http_proxy'] = 'http://127.0.0.1:1';
  try {
    using another = createForwardCall({ processId: 'another', ...others });
    another.know(TenantServiceService);
    const call = { request: createTenant.requestDeserialize(request), metadata: new Metadata() };
    assert.notEqual(await through(another, call), null);
  } finally {
    if (before === undefined) delete process.env['http_proxy'];
    else process.env['http_proxy'] = before;
  }
});
