/** What goes on after its call, against a played server: what is asked for, and what is printed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { Operation } from '@postrider/contract/postrider/v1/operation';
import { OperationServiceService } from '@postrider/contract/postrider/v1/operation_service';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { TenantServiceService } from '@postrider/contract/postrider/v1/tenant_service';
import { cli } from '../test-context.ts';
import type { sendUnaryData, ServerUnaryCall, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';

const name = 'operations/op_1';
const counts = { endpointCount: 10, remainingEndpointCount: 4 };
const metadata = { $case: 'tenantDeletion' as const, value: counts };
const going = Operation.fromPartial({ name, tenant: 'tenants/acme', metadata });
const done = Operation.fromPartial({ ...going, done: true });
const failed = Operation.fromPartial({ ...done, error: { code: status.ABORTED, message: 'it is another one' } });

/** What each method answers, one after the other; null: NOT_FOUND. */
let answers: Record<string, (object | null)[]> = {};
const asked: string[] = [];
const server = new Server();
let port = 0;

before(async () => {
  for (const service of [OperationServiceService, TenantServiceService] as readonly ServiceDefinition[]) {
    const handlers = Object.entries(service).map(([key, { path }]) => {
      const method = path.split('/')[2] ?? '';
      const handle = (call: ServerUnaryCall<{ name: string }, never>, callback: sendUnaryData<never>): void => {
        asked.push(`${method} ${call.request.name}`);
        const answer = answers[method]?.shift() ?? null;
        if (answer === null) callback({ code: status.NOT_FOUND, details: `${call.request.name} does not exist` });
        else callback(null, answer as never);
      };
      return [key, handle] as const;
    });
    server.addService(service, Object.fromEntries(handlers) as unknown as UntypedServiceImplementation);
  }
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error === null ? resolve(bound) : reject(error),
  );
  port = await promise;
});
after(() => server.forceShutdown());

async function run(played: typeof answers, ...args: string[]) {
  answers = played;
  asked.length = 0;
  return await cli([...args, '--server', `127.0.0.1:${port}`, '--api-key', 'good']);
}

test('waiting asks until it is done, and tells how far it is on standard error', async () => {
  const { exitCode, out, err } = await run({ WaitOperation: [going, going, done] }, 'operation', 'wait', 'op_1');
  assert.equal(exitCode, 0);
  assert.equal(out, `${name} deletes tenants/acme: done\n`);
  assert.equal(err, `${name} deletes tenants/acme: 4 of 10 endpoints are left\n`.repeat(2));
  assert.deepEqual(asked, Array(3).fill(`WaitOperation ${name}`));
});

test('whoever stops waiting is told how far it is, and that it goes on', async () => {
  answers = { WaitOperation: [going, done] };
  const args = ['operation', 'wait', 'op_1', '--server', `127.0.0.1:${port}`, '--api-key', 'good'];
  const { exitCode, err } = await cli(args, { signal: AbortSignal.abort() });
  assert.deepEqual([exitCode, /4 of 10 endpoints are left\. It goes on by itself\.\n$/.test(err)], [1, true]);
});

test('an operation that has ended with an error is no success', async () => {
  const { exitCode, err } = await run({ WaitOperation: [failed] }, 'operation', 'wait', name);
  assert.equal(exitCode, 1);
  assert.match(err, /ended with an error: it is another one/);
});

test('a tenant’s deletion is waited for when that is asked for, and only then', async () => {
  const words = ['tenant', 'delete', 'acme', '--force', '--yes'];
  assert.equal((await run({ DeleteTenant: [{}] }, ...words)).exitCode, 0);
  assert.deepEqual(asked, ['DeleteTenant tenants/acme']);
  const gone = await run({ DeleteTenant: [{}], GetTenant: [null] }, ...words, '--wait');
  assert.deepEqual([gone.exitCode, gone.out], [0, 'Deleted tenants/acme.\n']);
  const leaving = Tenant.fromPartial({ name: 'tenants/acme', deleteOperation: name });
  const played = { DeleteTenant: [{}], GetTenant: [leaving], WaitOperation: [going, done] };
  const waited = await run(played, ...words, '--wait');
  assert.deepEqual([waited.exitCode, waited.out], [0, 'Deleted tenants/acme.\n']);
  assert.deepEqual(asked.slice(1), ['GetTenant tenants/acme', `WaitOperation ${name}`, `WaitOperation ${name}`]);
});

test('a tenant that is being deleted is shown so, with the operation to wait for', async () => {
  const leaving = Tenant.fromPartial({ name: 'tenants/acme', displayName: 'Acme', deleteOperation: name });
  const { out } = await run({ GetTenant: [leaving] }, 'tenant', 'get', 'acme');
  assert.match(out, /^To wait for it +postrider operation wait op_1$/m);
});
