/**
 * Every method × every role, in one tenant and in all × a resource of one's own, a foreign and an absent one, and the same
 * with a role in another tenant: generated from the descriptors, so that a new method is in it from its first day. Whoever has
 * the role by a token, by a group in it or by a client certificate is answered as whoever has it by a key.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { EventEmitter } from 'node:events';
import { after, before, test } from 'node:test';
import { createFileRegistry, fromBinary, getOption } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { makeClientConstructor, Metadata, status } from '@grpc/grpc-js';
import { AccessServiceService } from '@postrider/contract/postrider/v1/access_service';
import { AuditServiceService } from '@postrider/contract/postrider/v1/audit_service';
import { DeliveryServiceService } from '@postrider/contract/postrider/v1/delivery_service';
import { DispatcherServiceService } from '@postrider/contract/postrider/v1/dispatcher_service';
import { EventServiceService } from '@postrider/contract/postrider/v1/event_service';
import { EventTypeServiceService } from '@postrider/contract/postrider/v1/event_type_service';
import { EgressServiceService } from '@postrider/contract/postrider/v1/egress_service';
import { EndpointServiceService } from '@postrider/contract/postrider/v1/endpoint_service';
import { ConfigRecord, OperationConfig } from '@postrider/contract/postrider/v1/config';
import { methodRules } from '@postrider/contract/postrider/v1/methods';
import { Operation } from '@postrider/contract/postrider/v1/operation';
import { OperationServiceService } from '@postrider/contract/postrider/v1/operation_service';
import { PauseServiceService } from '@postrider/contract/postrider/v1/pause_service';
import { SecretServiceService } from '@postrider/contract/postrider/v1/secret_service';
import { SubscriptionServiceService } from '@postrider/contract/postrider/v1/subscription_service';
import { TenantServiceService } from '@postrider/contract/postrider/v1/tenant_service';
import { accessRule, roleNamed, type AccessRule, type RoleName } from '@postrider/core';
import { ADMIN_KEY, CONFIG_TOPIC } from '../testing/harness.ts';
import { startWithPrincipals, type OtherCaller, type Principals } from '../testing/other-principals.ts';
import type { Client, ClientWritableStream, ServiceDefinition, ServiceError } from '@grpc/grpc-js';
import type { DescMethod } from '@bufbuild/protobuf';
import type { ReplicaChannel } from './tls/replica-channel.ts';

const definitions: readonly ServiceDefinition[] = [
  AccessServiceService,
  AuditServiceService,
  DeliveryServiceService,
  DispatcherServiceService,
  EgressServiceService,
  EndpointServiceService,
  EventServiceService,
  EventTypeServiceService,
  OperationServiceService,
  PauseServiceService,
  SecretServiceService,
  SubscriptionServiceService,
  TenantServiceService,
];
const roles: readonly RoleName[] = ['admin', 'operator', 'tenant-admin', 'tenant-viewer', 'publisher', 'secret-reader'];
const places = ['own', 'foreign', 'absent'] as const;
type Place = (typeof places)[number];
/** Of equal length, so that no text tells one from another. */
const tenants: Readonly<Record<Place, string>> = { own: 'mine-1', foreign: 'them-1', absent: 'none-1' };

interface Answer {
  readonly code: string;
  readonly message: string;
  readonly body: string;
}
type Unary = (
  request: object,
  metadata: Metadata,
  callback: (error: ServiceError | null, answer: unknown) => void,
) => EventEmitter;

type OpenStream = (metadata: Metadata, callback: Parameters<Unary>[2]) => ClientWritableStream<object>;

let principals: Principals;
/** By channel, then by service. */
const clients = new Map<ReplicaChannel, Map<string, Client>>();
/** By role and tenant, as `keys`. */
const others = new Map<string, readonly OtherCaller[]>();
const keys = new Map<string, string>();
const flat: Record<string, Readonly<Record<Place, string>>> = {};

before(async () => {
  principals = await startWithPrincipals();
  for (const tenantId of [tenants.own, tenants.foreign]) await makeTenant(tenantId);
  for (const role of roles) {
    for (const tenant of ['', `tenants/${tenants.own}`]) {
      const { keyString } = await must('CreateApiKey', { apiKey: { role: roleNamed(role), tenant } });
      keys.set(`${role} ${tenant}`, String(keyString));
      const three = await principals.called(`${role}.${tenant === '' ? 'all' : 'one'}`);
      for (const { principal } of three) {
        await must('CreateRoleBinding', { roleBinding: { role: roleNamed(role), tenant, principal } });
      }
      others.set(`${role} ${tenant}`, three);
    }
  }
  // By itself: what the installation pauses, no tenant resumes.
  const pause = { name: `tenants/${tenants.own}`, reason: 'a reason' };
  const own = `Bearer ${keys.get(`tenant-admin ${pause.name}`)}`;
  assert.equal((await ask('PauseDeliveries', pause, own)).code, 'OK');
  // And one that no list of another tenant may show.
  await must('PauseDeliveries', { name: `tenants/${tenants.foreign}`, reason: 'a reason' });
  for (const [collection, create, body] of [
    ['apiKeys', 'CreateApiKey', 'apiKey'],
    ['roleBindings', 'CreateRoleBinding', 'roleBinding'],
  ] as const) {
    const made: string[] = [];
    for (const tenant of [tenants.own, tenants.foreign]) {
      const fields = { role: roleNamed('publisher'), tenant: `tenants/${tenant}`, principal: 'user/somebody' };
      made.push(String((await must(create, { [body]: fields }))['name']));
    }
    const [own = '', foreign = ''] = made;
    flat[collection] = { own, foreign, absent: foreign.replace(/.{4}$/, 'zzzz') };
  }
  const entryOf = async (tenant: string): Promise<string> => {
    const { auditEntries } = await must('ListAuditEntries', { filter: { tenant: `tenants/${tenant}` } });
    return (auditEntries as readonly { name: string }[])[0]?.name ?? '';
  };
  const [ownEntry, foreignEntry] = [await entryOf(tenants.own), await entryOf(tenants.foreign)];
  flat['auditEntries'] = { own: ownEntry, foreign: foreignEntry, absent: 'auditEntries/99' };
  const [ownOne, foreignOne] = [await makeOperation(tenants.own), await makeOperation(tenants.foreign)];
  flat['operations'] = { own: ownOne, foreign: foreignOne, absent: foreignOne.replace(/.{4}$/, 'zzzz') };
  // Of no tenant, and told to all: there is none that is foreign.
  await must('CreateEventType', { eventTypeId: 'a.type' });
  flat['eventTypes'] = { own: 'eventTypes/a.type', foreign: 'eventTypes/b.none', absent: 'eventTypes/c.none' };
});
after(async () => {
  for (const client of [...clients.values()].flatMap((ofService) => [...ofService.values()])) client.close();
  await principals[Symbol.asyncDispose]();
});

async function makeTenant(tenantId: string): Promise<void> {
  await must('CreateTenant', { tenantId });
  const endpoint = { url: 'https://hooks.acme.dev/' };
  await must('CreateEndpoint', { parent: `tenants/${tenantId}`, endpointId: 'one', endpoint });
  const parent = `tenants/${tenantId}/endpoints/one`;
  await must('CreateSubscription', { parent, subscriptionId: 'one', subscription: { eventTypes: ['a'] } });
}

/** One that is done already: those that go on would delete their tenants. */
async function makeOperation(tenant: string): Promise<string> {
  const { plane, kafka } = principals.run;
  const { writer, revision } = plane.view.snapshot();
  const id = `op_${'0'.repeat(24)}${tenant === tenants.own ? '0000mine' : '0000them'}`;
  const fields = {
    name: `operations/${id}`,
    done: true,
    tenant: `tenants/${tenant}`,
    createTime: new Date(),
    endTime: new Date(),
  };
  const entity = {
    $case: 'operation' as const,
    value: OperationConfig.fromPartial({ operation: Operation.fromPartial(fields) }),
  };
  const record = {
    key: `operation/${id}`,
    revision,
    writerEpoch: BigInt(writer?.epoch ?? 0),
    schemaVersion: 1,
    time: undefined,
  };
  const value = Buffer.from(ConfigRecord.encode({ ...record, actor: 'test', entity }).finish());
  const offset = kafka.append(CONFIG_TOPIC, 0, { key: Buffer.from(record.key), value });
  assert.ok(await plane.view.whenOffset(offset, 5_000));
  return fields.name;
}

async function must(method: string, request: object): Promise<Readonly<Record<string, unknown>>> {
  const answer = await ask(method, request, `Bearer ${ADMIN_KEY}`);
  assert.equal(answer.code, 'OK', `${method}: ${answer.message}`);
  return JSON.parse(answer.body) as Record<string, unknown>;
}

/** A client of the service over this channel, made when it is first asked for. */
function clientOf(service: string, channel: ReplicaChannel): Client | undefined {
  const ofChannel = clients.get(channel) ?? new Map<string, Client>();
  clients.set(channel, ofChannel);
  const known = ofChannel.get(service);
  const definition = definitions.find((one) => Object.values(one)[0]?.path.split('/')[1] === service);
  if (known !== undefined || definition === undefined) return known;
  const Service = makeClientConstructor(definition, 'service');
  const client = new Service(`127.0.0.1:${principals.run.plane.port}`, channel.credentials, channel.options);
  ofChannel.set(service, client);
  return client;
}

/** That who has the role in another way than by a key is answered as who has a key. */
async function assertAlike(who: string, method: string, request: object, answer: Answer): Promise<void> {
  for (const { kind, authorization, channel } of others.get(who) ?? []) {
    const { code, message } = await ask(method, request, authorization, channel);
    assert.deepEqual([code, message], [answer.code, answer.message], kind);
    alike.add(`${method} ${who} ${kind}`);
  }
}

function ask(
  method: string,
  request: object,
  authorization: string | null,
  channel = principals.channel,
): Promise<Answer> {
  const { service } = methodRules[method as keyof typeof methodRules];
  const client = clientOf(service, channel);
  const definition = definitions.flatMap((one) => Object.values(one)).find(({ path }) => path.endsWith(`/${method}`));
  assert.ok(client !== undefined && definition !== undefined, `${method} of ${service} is not served`);
  const metadata = new Metadata();
  if (authorization !== null) metadata.set('authorization', authorization);
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const send = (client as unknown as Record<string, Unary>)[method[0]?.toLowerCase() + method.slice(1)];
  assert.ok(send !== undefined, method);
  const answered = (error: ServiceError | null, answer: unknown): void =>
    resolve({
      code: status[error?.code ?? 0] ?? '',
      message: error?.details ?? '',
      body: error === null ? JSON.stringify(answer, plainNumber) : '',
    });
  if (definition.requestStream) {
    // Of a stream, one part.
    const call = (send as unknown as OpenStream).call(client, metadata, answered);
    call.on('error', () => {});
    call.write(complete(method, request));
    call.end();
    return promise;
  }
  const sent = send.call(client, complete(method, request), metadata, answered);
  if (!definition.responseStream) return promise;
  const answers: unknown[] = [];
  sent.on('data', (one: unknown) => answers.push(one));
  sent.on('error', (error: ServiceError) => answered(error, null));
  sent.on('end', () => answered(null, answers));
  return promise;
}

/** Numbers of 64 bits have no form in JSON. */
const plainNumber = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

/** A message of the method's type with these fields. */
function complete(method: string, fields: object): object {
  const definition = definitions.flatMap((one) => Object.values(one)).find(({ path }) => path.endsWith(`/${method}`));
  assert.ok(definition !== undefined);
  const blank = definition.requestDeserialize(Buffer.alloc(0)) as Record<string, unknown>;
  const whole = (before: unknown, after: unknown): unknown =>
    typeof after === 'object' && after !== null && !Array.isArray(after)
      ? Object.fromEntries([
          ...Object.entries((before ?? {}) as object),
          ...Object.entries(after).map(([name, value]) => [name, whole((before as never)?.[name], value)]),
        ])
      : after;
  const nested = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, isMessage(value) ? { ...blankOf[name], ...value } : value]),
  );
  return whole(blank, nested) as object;
}

function isMessage(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const blankOf = await blanks();

/** Resources with nothing set, by the field of a request that holds one. */
async function blanks(): Promise<Readonly<Record<string, object>>> {
  const [{ ApiKey }, { AuditFilter }, { Endpoint }, { RoleBinding }, { Subscription }, { Tenant }] = await Promise.all([
    import('@postrider/contract/postrider/v1/access_service'),
    import('@postrider/contract/postrider/v1/audit_service'),
    import('@postrider/contract/postrider/v1/endpoint'),
    import('@postrider/contract/postrider/v1/role_binding'),
    import('@postrider/contract/postrider/v1/subscription'),
    import('@postrider/contract/postrider/v1/tenant'),
  ]);
  return {
    apiKey: ApiKey.fromPartial({}),
    endpoint: Endpoint.fromPartial({}),
    filter: AuditFilter.fromPartial({}),
    roleBinding: RoleBinding.fromPartial({}),
    subscription: Subscription.fromPartial({}),
    tenant: Tenant.fromPartial({}),
  };
}

const descriptors = readFileSync(new URL(import.meta.resolve('@postrider/contract/descriptors.binpb')));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
const methods = [...registry.files]
  .flatMap(({ services }) => services.flatMap((service) => service.methods))
  .filter(({ name }) => accessRule(name) !== null);

/** The field and form of the resource's name in a method's path, `parent=tenants/*` for example; null when it has none. */
function pathOf(method: DescMethod): { readonly field: string; readonly form: string } | null {
  const http = registry.getExtension('google.api.http');
  assert.ok(http !== undefined);
  const { pattern } = getOption(method, http) as unknown as { pattern: { value: string } };
  const [, field, form] = /\{([a-z_.]+)=([^}]+)\}/.exec(pattern.value) ?? [];
  return field === undefined || form === undefined ? null : { field, form };
}

/** A request that names a resource of this place; null when the method's requests name none. */
function requestFor(method: DescMethod, rule: AccessRule, place: Place): object | null {
  const path = pathOf(method);
  if (path !== null && rule.tenant !== '') {
    const collection = path.form.split('/')[0] ?? '';
    const name =
      collection === 'tenants'
        ? path.form
            .replace('tenants/*', `tenants/${tenants[place]}`)
            .replace('deliveries/*', `deliveries/dlv_${'0'.repeat(32)}`)
            .replaceAll('*', 'one')
        : flat[collection]?.[place];
    assert.ok(name !== undefined, `the matrix knows no ${collection}`);
    return nested(
      path.field.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      name,
    );
  }
  if (rule.tenant === '' || rule.tenant === '-') return null;
  return nested(rule.tenant, `tenants/${tenants[place]}`);
}

function nested(path: string, value: string): object {
  return path
    .split('.')
    .toReversed()
    .reduce<unknown>((inner, part) => ({ [part]: inner }), value) as object;
}

const judged = new Set<string>();
const alike = new Set<string>();
/** What stands for "the caller was let in": whatever the method makes of the request afterwards. */
const refusals = new Set(['UNAUTHENTICATED', 'PERMISSION_DENIED']);
/** Mutations of one's own come last, so that what they take away is still there for the others. */
const ordered = methods.toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
function rank({ name }: DescMethod): number {
  return name.startsWith('DeleteTenant') ? 2 : name.startsWith('Delete') ? 1 : 0;
}

for (const method of ordered) {
  const rule = accessRule(method.name);
  assert.ok(rule !== null);
  // An administrator last: what only he may delete is still there for the others then.
  for (const role of roles.toReversed()) {
    const may = rule.anyone === true || rule.roles.includes(role);
    test(`${method.name} × ${role}`, async () => {
      await inOneTenant(method, rule, role, may);
      await inAll(method, rule, role, may);
    });
  }
}

/** A role in `own` only. */
async function inOneTenant(method: DescMethod, rule: AccessRule, role: RoleName, may: boolean): Promise<void> {
  const who = `${role} tenants/${tenants.own}`;
  const answers: Partial<Record<Place, Answer>> = {};
  // One's own last: it may be deleted by it.
  for (const place of ['foreign', 'absent', 'own'] as const) {
    const request = requestFor(method, rule, place);
    const answer = await ask(method.name, request ?? {}, `Bearer ${keys.get(who)}`);
    // What may be changed by it is changed once.
    if (place !== 'own') await assertAlike(who, method.name, request ?? {}, answer);
    judged.add(`${method.name} ${role} tenant ${place}`);
    answers[place] = answer;
    assert.ok(!answer.body.includes(tenants.foreign), `${method.name} shows a foreign tenant: ${answer.body}`);
    if (!may || (rule.tenant === '' && rule.anyone !== true)) assert.equal(answer.code, 'PERMISSION_DENIED', place);
    else if (request === null) assert.ok(!refusals.has(answer.code), `${place}: ${answer.message}`);
    else if (place === 'own') {
      const isHigher = rule.tenant.endsWith('.tenant') || rule.tenant === '-';
      assert.ok(!refusals.has(answer.code) || isHigher, `${answer.code}: ${answer.message}`);
    } else assert.notEqual(answer.code, 'OK', place);
  }
  const { foreign, absent } = answers;
  assert.ok(foreign !== undefined && absent !== undefined);
  const same = (text: string): string => {
    let plain = text.replaceAll(tenants.foreign, 'X').replaceAll(tenants.absent, 'X');
    for (const names of Object.values(flat)) plain = plain.replaceAll(names.foreign, 'X').replaceAll(names.absent, 'X');
    return plain;
  };
  assert.deepEqual({ ...foreign, message: same(foreign.message) }, { ...absent, message: same(absent.message) });
}

/** A role in all tenants. */
async function inAll(method: DescMethod, rule: AccessRule, role: RoleName, may: boolean): Promise<void> {
  const who = `${role} `;
  for (const place of places) {
    // What is there is left there: the next role needs it. Who may is seen by what is absent.
    const isKept = may && rule.effect !== 'read' && place !== 'absent';
    judged.add(`${method.name} ${role} all ${place}`);
    if (isKept) continue;
    const request = requestFor(method, rule, place) ?? {};
    const answer = await ask(method.name, request, `Bearer ${keys.get(who)}`);
    await assertAlike(who, method.name, request, answer);
    assert.equal(answer.code === 'PERMISSION_DENIED', !may, `${place}: ${answer.code} ${answer.message}`);
  }
}

test('nothing is missing in the matrix', () => {
  assert.equal(methods.length, Object.values(methodRules).filter(({ internal }) => !internal).length);
  const served = definitions.flatMap((one) => Object.values(one)).map(({ path }) => path.split('/')[2]);
  assert.deepEqual(new Set(served), new Set(methods.map(({ name }) => name)));
  assert.equal(judged.size, methods.length * roles.length * places.length * 2);
  assert.equal(alike.size, methods.length * roles.length * 3 * 2);
});
