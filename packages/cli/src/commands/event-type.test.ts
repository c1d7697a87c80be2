/** The commands of event types against a played server: what they ask for, and what they print. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { EventType, EventTypeState } from '@postrider/contract/postrider/v1/event_type';
import { EventTypeServiceService, ListEventTypesResponse } from '@postrider/contract/postrider/v1/event_type_service';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { SubscriptionServiceService } from '@postrider/contract/postrider/v1/subscription_service';
import { cli } from '../test-context.ts';
import type { sendUnaryData, ServerUnaryCall, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';

const state = EventTypeState.ACTIVE;
const paid = EventType.fromPartial({ name: 'eventTypes/a.paid', description: 'Paid', schema: '{}', state });
const answers: Readonly<Record<string, object>> = {
  ListEventTypes: ListEventTypesResponse.fromPartial({ eventTypes: [paid] }),
  DeleteEventType: {},
  AddEventTypes: Subscription.fromPartial({ name: 'tenants/a/endpoints/b/subscriptions/c', eventTypes: ['x', 'y'] }),
  RemoveEventTypes: Subscription.fromPartial({ name: 'tenants/a/endpoints/b/subscriptions/c', eventTypes: ['x'] }),
};
const asked: { method: string; request: Readonly<Record<string, unknown>> }[] = [];
const server = new Server();
const folder = mkdtempSync(join(tmpdir(), 'event-type-'));
const schema = join(folder, 'schema.json');
let port = 0;

before(async () => {
  writeFileSync(schema, '{"type":"object"}');
  for (const service of [EventTypeServiceService, SubscriptionServiceService] as readonly ServiceDefinition[]) {
    const handlers = Object.entries(service).map(([name, { path }]) => {
      const method = path.split('/')[2] ?? '';
      const handle = (call: ServerUnaryCall<never, never>, callback: sendUnaryData<never>): void => {
        asked.push({ method, request: call.request });
        callback(null, (answers[method] ?? paid) as never);
      };
      return [name, handle] as const;
    });
    server.addService(service, Object.fromEntries(handlers) as unknown as UntypedServiceImplementation);
  }
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error === null ? resolve(bound) : reject(error),
  );
  port = await promise;
});
after(() => {
  server.forceShutdown();
  rmSync(folder, { recursive: true });
});

const run = (...args: string[]) => cli([...args, '--server', `127.0.0.1:${port}`, '--api-key', 'good']);

test('a schema and examples are read from files', async () => {
  const { exitCode, out } = await run('event-type', 'create', 'a.paid', '--schema', schema, '--example', schema);
  assert.equal(exitCode, 0);
  assert.match(out, /^a\.paid \(active\)\n\nPaid\n\nSchema:\n\{\}\n$/);
  const { eventTypeId, eventType } = asked.at(-1)?.request ?? {};
  const given = eventType as EventType;
  assert.deepEqual([eventTypeId, given.schema, given.examples], ['a.paid', '{"type":"object"}', ['{"type":"object"}']]);
  const absent = await run('event-type', 'create', 'a.paid', '--schema', join(folder, 'none'));
  assert.deepEqual([absent.exitCode, /--schema: the file .* cannot be read/.test(absent.err)], [2, true]);
});

test('an update names what it was told to change, and nothing else', async () => {
  await run('event-type', 'update', 'a.paid', '--description', '');
  assert.deepEqual(asked.at(-1)?.request['updateMask'], ['description']);
  assert.equal((await run('event-type', 'update', 'a.paid')).exitCode, 2);
});

test('every method can be reached', async () => {
  assert.match((await run('event-type', 'list', '--archived', '--prefix', 'a.')).out, /a\.paid +active +yes +Paid/);
  assert.deepEqual([asked.at(-1)?.request['showArchived'], asked.at(-1)?.request['typePrefix']], [true, 'a.']);
  assert.equal(JSON.parse((await run('event-type', 'get', 'eventTypes/a.paid', '--json')).out).name, paid.name);
  for (const verb of ['archive', 'unarchive', 'delete']) {
    assert.equal((await run('event-type', verb, 'a.paid', ...(verb === 'delete' ? ['--yes'] : []))).exitCode, 0);
    assert.equal(asked.at(-1)?.request['name'], paid.name);
  }
  assert.match((await run('subscription', 'add-types', 'a/b/c', 'y')).out, /a\/b\/c to x, y/);
  assert.match((await run('subscription', 'remove-types', 'a/b/c', 'y')).out, /a\/b\/c to x\n/);
  const methods = [...Object.values(EventTypeServiceService)].map(({ path }) => path.split('/')[2] ?? '');
  const reached = new Set(asked.map(({ method }) => method));
  for (const method of [...methods, 'AddEventTypes', 'RemoveEventTypes']) assert.ok(reached.has(method), method);
});
