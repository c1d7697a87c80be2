/** The commands of keys and roles against a played server: what they ask for, and what they print. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { Role } from '@postrider/contract/postrider/v1/access';
import {
  AccessServiceService,
  ApiKey,
  ListApiKeysResponse,
  ListRoleBindingsResponse,
} from '@postrider/contract/postrider/v1/access_service';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import { cli } from '../test-context.ts';
import type { sendUnaryData, ServerUnaryCall, UntypedServiceImplementation } from '@grpc/grpc-js';

const printed = 'prk_acme1_printedThisOneTime';
const key = ApiKey.fromPartial({ name: 'apiKeys/acme1', role: Role.TENANT_ADMIN, tenant: 'tenants/acme' });
const answers: Readonly<Record<string, object>> = {
  CreateApiKey: { ...key, keyString: printed },
  GetApiKey: { ...key, expireTime: new Date(0) },
  UpdateApiKey: key,
  RevokeApiKey: { ...key, revokeTime: new Date(0) },
  ListApiKeys: ListApiKeysResponse.fromPartial({ apiKeys: [key] }),
  ListRoleBindings: ListRoleBindingsResponse.fromPartial({}),
  CreateRoleBinding: RoleBinding.fromPartial({ name: 'roleBindings/a', principal: 'api-key/acme1', role: Role.ADMIN }),
};
const asked: { method: string; request: Readonly<Record<string, unknown>> }[] = [];
const server = new Server();
let port = 0;

before(async () => {
  const handlers = Object.entries(AccessServiceService).map(([name, { path }]) => {
    const method = path.split('/')[2] ?? '';
    const handle = (call: ServerUnaryCall<never, never>, callback: sendUnaryData<never>): void => {
      if (call.metadata.get('authorization')[0] !== 'Bearer good') {
        const refused = { code: status.UNAUTHENTICATED, details: 'the API key is not valid', metadata: new Metadata() };
        return callback(refused);
      }
      asked.push({ method, request: call.request });
      callback(null, (answers[method] ?? {}) as never);
    };
    return [name, handle] as const;
  });
  server.addService(AccessServiceService, Object.fromEntries(handlers) as unknown as UntypedServiceImplementation);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error === null ? resolve(bound) : reject(error),
  );
  port = await promise;
});
after(() => server.forceShutdown());

const run = (line: string, apiKey = 'good') =>
  cli([...line.split(' '), '--server', `127.0.0.1:${port}`, '--api-key', apiKey]);

test('a new key is printed first, so that it can be taken from the first line', async () => {
  const { out, exitCode } = await run('api-key create --role tenant-admin --tenant acme --expires-in 1d');
  assert.equal(exitCode, 0);
  assert.equal(out.split('\n')[0], printed);
  const { role, tenant, expireTime } = (asked.at(-1)?.request['apiKey'] ?? key) as ApiKey;
  assert.deepEqual([role, tenant], [Role.TENANT_ADMIN, 'tenants/acme']);
  assert.ok(Math.abs(Number(expireTime) - Date.now() - 86_400_000) < 60_000);
});

test('each command asks for its method and says what came of it', async () => {
  const rows: readonly (readonly [string, string, RegExp])[] = [
    ['api-key get acme1', 'GetApiKey', /tenant-admin in tenants\/acme: expired at 1970/],
    ['api-key update apiKeys/acme1 --display-name x', 'UpdateApiKey', /valid/],
    ['api-key revoke acme1 --yes', 'RevokeApiKey', /revoked at 1970/],
    ['api-key delete acme1 --yes', 'DeleteApiKey', /Deleted apiKeys\/acme1/],
    ['api-key list', 'ListApiKeys', /acme1 +tenant-admin +acme +valid/],
    ['role give api-key/acme1 --role admin', 'CreateRoleBinding', /api-key\/acme1 is admin in all tenants now/],
    ['role take a --yes', 'DeleteRoleBinding', /Deleted roleBindings\/a/],
    ['role list', 'ListRoleBindings', /There are no role bindings/],
  ];
  for (const [line, method, said] of rows) {
    const { out, err, exitCode } = await run(line);
    assert.deepEqual([exitCode, err], [0, ''], line);
    assert.equal(asked.at(-1)?.method, method);
    assert.match(out, said);
    const json = await run(`${line} --json`);
    assert.doesNotThrow(() => JSON.parse(json.out) as unknown, line);
  }
  assert.deepEqual(asked.find(({ method }) => method === 'UpdateApiKey')?.request['updateMask'], ['display_name']);
});

test('wrong words are wrong usage; a key that cannot have been made by Postrider is told from a refused one', async () => {
  assert.equal((await run('api-key create --role root')).exitCode, 2);
  assert.equal((await run('api-key create')).exitCode, 2);
  assert.equal((await run('api-key update acme1')).exitCode, 2);
  const { err } = await run('api-key list', 'prk_acme1_short');
  assert.match(err, /UNAUTHENTICATED: the API key is not valid\n.*copied as a whole/);
  assert.ok(!err.includes('prk_acme1'));
});
