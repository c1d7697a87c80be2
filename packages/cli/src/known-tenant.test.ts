/** Commands that read Kafka, with a played control plane that knows the tenant acme alone. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import {
  EndpointServiceService,
  ListEndpointsResponse,
  type EndpointServiceServer,
} from '@postrider/contract/postrider/v1/endpoint_service';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { TenantServiceService, type TenantServiceServer } from '@postrider/contract/postrider/v1/tenant_service';
import { createFakeKafka } from '@postrider/kafka/testing';
import { cli } from './test-context.ts';

const server = new Server();
const kafka = createFakeKafka();
for (const name of ['attempts', 'dead-letters', 'events']) kafka.createTopic(`postrider.${name}`, 1);
let known: string[] = [];
/** Something was printed by the command that asks for the tenant slow. */
const isTold = Promise.withResolvers<void>();

before(async () => {
  const tenants: Pick<TenantServiceServer, 'getTenant'> = {
    getTenant({ request: { name } }, callback) {
      if (name === 'tenants/acme') return callback(null, Tenant.fromPartial({ name }));
      const answer = () => callback({ code: status.NOT_FOUND, details: 'no' });
      if (name === 'tenants/slow') void isTold.promise.then(answer);
      else answer();
    },
  };
  const endpoints: Pick<EndpointServiceServer, 'listEndpoints'> = {
    listEndpoints({ request: { parent, filter } }, callback) {
      const isHere = parent === 'tenants/acme' && filter === 'uid = "ep_1"';
      const found = isHere ? [{ name: 'tenants/acme/endpoints/orders', uid: 'ep_1' }] : [];
      callback(null, ListEndpointsResponse.fromPartial({ endpoints: found }));
    },
  };
  server.addService(EndpointServiceService, { ...endpoints });
  server.addService(TenantServiceService, { ...tenants });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error === null ? resolve(bound) : reject(error),
  );
  known = ['--server', `127.0.0.1:${await promise}`, '--api-key', 'k'];
});
after(() => server.forceShutdown());

const run = (line: string, flags: readonly string[]) =>
  cli([...line.split(' '), '--brokers', 'fake:1', ...flags], { kafka: () => kafka.connect() });

test('a tenant that there is not is an error, where the control plane can be asked', async () => {
  for (const line of ['dead-letters list --tenant', 'attempts tail --no-follow --tenant', 'attempts tail --tenant']) {
    const { exitCode, err } = await run(`${line} nosuch`, known);
    assert.deepEqual([exitCode, /There is no tenant nosuch\./.test(err)], [4, true], line);
    if (line === 'attempts tail --tenant') continue;
    assert.equal((await run(`${line} acme`, known)).exitCode, 0);
    for (const nobody of [[], ['--server', '127.0.0.1:1', '--api-key', 'k']])
      assert.equal((await run(`${line} nosuch`, nobody)).exitCode, 0);
  }
});

test('whoever publishes for a tenant that there is not is told that it is quarantined', async () => {
  const publish = 'publish --type t --data x --tenant';
  assert.match((await run(`${publish} nope`, known)).err, /no tenant nope: .* quarantined/);
  assert.equal((await run(`${publish} acme`, known)).err, '');
  assert.equal((await run(`${publish} nope`, [])).err, '');
});

test('what was published is told before the control plane has answered', async () => {
  const publish = 'publish --type t --data x --tenant slow --brokers fake:1'.split(' ');
  const { out, err } = await cli([...publish, ...known], {
    kafka: () => kafka.connect(),
    onOut: () => isTold.resolve(),
  });
  assert.match(out, /^Published t /);
  assert.match(err, /no tenant slow: .* quarantined/);
});

test('a dead letter names its endpoint as people do; one that is deleted, or without a control plane, has its uid', async () => {
  for (const endpointId of ['ep_1', 'ep_2']) {
    const letter = DeadLetter.fromPartial({ delivery: { tenant: 'acme', endpointId } });
    const encoded = Buffer.from(DeadLetter.encode(letter).finish());
    const value = Buffer.from('{}');
    kafka.append('postrider.dead-letters', 0, { headers: { 'postrider-dead-letter': encoded }, value });
  }
  const { out } = await run('dead-letters list', known);
  assert.match(out, / acme\/orders .*\n.* ep_2 /);
  assert.match((await run('dead-letters list', [])).out, / ep_1 .*\n.* ep_2 /);
});
