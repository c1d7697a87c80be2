/** The audit over gRPC, on the in-memory Kafka: `testing/harness.ts` says what is a double. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { credentials, Metadata } from '@grpc/grpc-js';
import { Role } from '@postrider/contract/postrider/v1/access';
import { ApiKey } from '@postrider/contract/postrider/v1/access_service';
import { AuditFilter, AuditServiceClient } from '@postrider/contract/postrider/v1/audit_service';
import { AuditRecord } from '@postrider/contract/postrider/v1/audit';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { createAuditCheck } from '@postrider/core';
import { auditedOf, verifiedOf } from '../../testing/audited.ts';
import { ADMIN_KEY, AUDIT_TOPIC, calls, failure, startTestPlane } from '../../testing/harness.ts';
import { serverLimits } from '../server-limits.ts';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import type { AuditEntry } from '@postrider/contract/postrider/v1/audit';
import type {
  ExportAuditEntriesResponse,
  ListAuditEntriesRequest,
  VerifyAuditChainRequest,
  VerifyAuditChainResponse,
} from '@postrider/contract/postrider/v1/audit_service';
import type { Running } from '../../testing/harness.ts';

let run: Running;
let client: AuditServiceClient;
let acmeKey = '';
before(async () => {
  run = await startTestPlane();
  client = new AuditServiceClient(`127.0.0.1:${run.plane.port}`, credentials.createInsecure());
  for (const tenantId of ['acme', 'bell']) {
    await run.tenants.createTenant({ tenantId, tenant: undefined, requestId: '' });
    const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/' });
    await run.endpoints.createEndpoint({ parent: `tenants/${tenantId}`, endpointId: 'one', endpoint, requestId: '' });
    for (let round = 0; round < 20; round += 1) {
      const tenant = Tenant.fromPartial({ name: `tenants/${tenantId}`, displayName: `name ${round}` });
      await run.tenants.updateTenant({ tenant, updateMask: ['display_name'] });
    }
  }
  const apiKey = ApiKey.fromPartial({ role: Role.TENANT_ADMIN, tenant: 'tenants/acme' });
  acmeKey = (await run.access.createApiKey({ apiKeyId: '', apiKey, requestId: '' })).keyString;
});
after(async () => {
  client.close();
  await run.stop();
});

const asKey = (key: string) => calls(client, `Bearer ${key}`);
const filterOf = (fields: Partial<AuditFilter>): AuditFilter => ({ ...AuditFilter.fromPartial({}), ...fields });

/** All pages of a list. */
async function listAll(
  fields: Partial<ListAuditEntriesRequest> = {},
  key = ADMIN_KEY,
): Promise<{ entries: AuditEntry[]; pages: number }> {
  const entries: AuditEntry[] = [];
  for (let pageToken = '', pages = 1; ; pages += 1) {
    const request = { pageSize: 7, orderBy: '', filter: undefined, ...fields, pageToken };
    const page = await asKey(key).listAuditEntries(request);
    assert.ok(page.auditEntries.length <= request.pageSize);
    entries.push(...page.auditEntries);
    if (page.nextPageToken === '') return { entries, pages };
    pageToken = page.nextPageToken;
  }
}

function collect<T>(stream: ClientReadableStream<T>): Promise<T[]> {
  const { promise, resolve, reject } = Promise.withResolvers<T[]>();
  const answers: T[] = [];
  stream.on('data', (one: T) => answers.push(one));
  stream.on('end', () => resolve(answers));
  stream.on('error', (error: ServiceError) => reject(error));
  return promise;
}

function metadataOf(key: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  return metadata;
}

const exported = (filter?: AuditFilter, afterSequence = 0n, key = ADMIN_KEY): Promise<ExportAuditEntriesResponse[]> =>
  collect(client.exportAuditEntries({ filter, afterSequence }, metadataOf(key)));
const verified = async (pinned?: VerifyAuditChainRequest['pinned']): Promise<VerifyAuditChainResponse> => {
  const answers = await collect(client.verifyAuditChain({ pinned }, metadataOf(ADMIN_KEY)));
  return answers.at(-1) ?? assert.fail();
};

test('page by page everything is listed once, the newest first or the oldest first', async () => {
  const all = auditedOf(run.kafka);
  const newest = await listAll();
  assert.ok(newest.pages > 5);
  assert.deepEqual(newest.entries, all.toReversed());
  assert.deepEqual((await listAll({ orderBy: 'time', pageSize: 11 })).entries, all);
});

test('entries are found by tenant, principal, resource, method and time', async () => {
  const all = auditedOf(run.kafka);
  const middle = all[30]?.time;
  for (const [filter, fits] of [
    [{ tenant: 'tenants/acme' }, (entry: AuditEntry) => entry.tenant === 'tenants/acme'],
    [{ principal: 'api-key/test' }, (entry: AuditEntry) => entry.principal === 'api-key/test'],
    [{ resource: 'tenants/bell' }, (entry: AuditEntry) => entry.tenant === 'tenants/bell'],
    [
      { resource: 'tenants/bell/endpoints/one' },
      (entry: AuditEntry) => entry.kind === 'endpoint' && entry.tenant === 'tenants/bell',
    ],
    [{ method: 'UpdateTenant' }, (entry: AuditEntry) => entry.method === 'UpdateTenant'],
    [{ startTime: middle }, (entry: AuditEntry) => Number(entry.time) >= Number(middle)],
    [{ endTime: middle }, (entry: AuditEntry) => Number(entry.time) < Number(middle)],
    [{ resource: 'tenants/be' }, () => false],
    [{ startTime: new Date(Date.now() + 3_600_000) }, () => false],
  ] as const) {
    const wanted = all.filter(fits);
    assert.deepEqual(
      (await listAll({ filter: filterOf(filter) })).entries,
      wanted.toReversed(),
      JSON.stringify(filter),
    );
    const copied = await exported(filterOf(filter));
    assert.deepEqual(
      copied.map(({ auditEntry }) => auditEntry),
      wanted,
    );
  }
});

test('who has a role in one tenant sees what was done there, and nothing else, by no way', async () => {
  const near = auditedOf(run.kafka).filter(({ tenant }) => tenant === 'tenants/acme');
  assert.deepEqual((await listAll({}, acmeKey)).entries, near.toReversed());
  assert.deepEqual((await listAll({ filter: filterOf({ tenant: 'tenants/bell' }) }, acmeKey)).entries, []);
  const copied = await exported(undefined, 0n, acmeKey);
  assert.deepEqual(
    copied.map(({ auditEntry }) => auditEntry),
    near,
  );
  const [own] = near;
  assert.deepEqual(await asKey(acmeKey).getAuditEntry({ name: own?.name ?? '' }), own);
  const foreign = auditedOf(run.kafka).find(({ tenant }) => tenant === 'tenants/bell')?.name ?? '';
  const refused = await failure(asKey(acmeKey).getAuditEntry({ name: foreign }));
  const absent = await failure(asKey(acmeKey).getAuditEntry({ name: 'auditEntries/9999' }));
  assert.deepEqual(
    { ...refused, message: refused.message.replace(foreign, '') },
    { ...absent, message: absent.message.replace('auditEntries/9999', '') },
  );
  const { code } = await collect(client.verifyAuditChain({ pinned: undefined }, metadataOf(acmeKey))).then(
    () => assert.fail(),
    (error: ServiceError) => error,
  );
  assert.equal(code, 7);
});

test('a page token of another list, order or caller is worth nothing', async () => {
  const request = { pageSize: 3, orderBy: '', filter: undefined, pageToken: '' };
  const { nextPageToken } = await asKey(ADMIN_KEY).listAuditEntries(request);
  for (const changed of [{ orderBy: 'time' }, { filter: filterOf({ tenant: 'tenants/acme' }) }]) {
    const asked = asKey(ADMIN_KEY).listAuditEntries({ ...request, ...changed, pageToken: nextPageToken });
    assert.deepEqual((await failure(asked)).fields, ['page_token']);
  }
  const asked = asKey(acmeKey).listAuditEntries({ ...request, pageToken: nextPageToken });
  assert.deepEqual((await failure(asked)).fields, ['page_token']);
});

test('every entry is found by its number, however many there are', async () => {
  const all = auditedOf(run.kafka);
  for (const entry of all) assert.deepEqual(await asKey(ADMIN_KEY).getAuditEntry({ name: entry.name }), entry);
  const none = asKey(ADMIN_KEY).getAuditEntry({ name: `auditEntries/${all.length + 1}` });
  assert.equal((await failure(none)).code, 'NOT_FOUND');
});

test('what is no name, order, time or head is refused by the name of its field', async () => {
  const list = (fields: object) =>
    failure(
      asKey(ADMIN_KEY).listAuditEntries({ pageSize: 0, pageToken: '', orderBy: '', filter: undefined, ...fields }),
    );
  assert.deepEqual((await list({ orderBy: 'name' })).fields, ['order_by']);
  assert.deepEqual((await list({ pageSize: -1 })).fields, ['page_size']);
  assert.deepEqual((await list({ filter: filterOf({ tenant: 'acme' }) })).fields, ['filter.tenant']);
  assert.deepEqual((await list({ filter: filterOf({ method: 'x'.repeat(513) }) })).fields, ['filter.method']);
  const twice = new Date();
  assert.deepEqual((await list({ filter: filterOf({ startTime: twice, endTime: twice }) })).fields, [
    'filter.end_time',
  ]);
  for (const name of ['', 'auditEntries/0', 'auditEntries/-1', 'auditEntries/1x', 'tenants/acme', 'auditEntries/1e3']) {
    assert.deepEqual((await failure(asKey(ADMIN_KEY).getAuditEntry({ name }))).fields, ['name'], name);
  }
  for (const pinned of [
    { sequence: 0n, hash: Buffer.alloc(32) },
    { sequence: 1n, hash: Buffer.alloc(31) },
  ]) {
    assert.deepEqual((await failure(verified(pinned))).fields, ['pinned']);
  }
  assert.deepEqual((await failure(exported(undefined, -1n))).fields, ['after_sequence']);
});

test('an export holds the bytes that a chain is verified by, and goes on behind what one has', async () => {
  const all = auditedOf(run.kafka);
  const check = createAuditCheck(verifiedOf(run.kafka).head);
  for (const { record } of await exported()) check.take(record, 0);
  check.end();
  assert.deepEqual([check.broken, check.verified], [null, all.length]);
  const rest = await exported(undefined, 10n);
  assert.deepEqual([rest.length, rest[0]?.auditEntry?.sequence], [all.length - 10, 11n]);
});

test('the chain is verified, by what stands there and by a head that was noted', async () => {
  const { head } = verifiedOf(run.kafka);
  const { done, verifiedCount, firstSequence, broken, ...rest } = await verified(head);
  assert.deepEqual([done, verifiedCount, firstSequence, broken], [true, head.sequence, 1n, undefined]);
  assert.deepEqual([rest.head?.sequence, rest.head?.hash], [head.sequence, head.hash]);
  const later = await verified({ sequence: head.sequence + 5n, hash: Buffer.alloc(32) });
  assert.match(later.broken?.reason ?? '', /was noted as its head/);
});

test('streams end when they are not wanted any more, and only so many are read at once', async () => {
  const many = Array.from({ length: serverLimits.streamsMax + 2 }, () =>
    client.exportAuditEntries({ filter: undefined, afterSequence: 0n }, metadataOf(ADMIN_KEY)),
  );
  const ended = await Promise.allSettled(many.map((stream) => collect(stream)));
  assert.ok(ended.some(({ status }) => status === 'fulfilled'));
  for (const one of ended) if (one.status === 'rejected') assert.equal((one.reason as ServiceError).code, 8);
  const cancelled = client.exportAuditEntries({ filter: undefined, afterSequence: 0n }, metadataOf(ADMIN_KEY));
  cancelled.once('data', () => cancelled.cancel());
  assert.equal(((await collect(cancelled).catch((error: ServiceError) => error)) as ServiceError).code, 1);
  assert.equal((await exported()).length, auditedOf(run.kafka).length, 'and the places of all of them are free again');
});

test('one tenant’s exports leave places to the others', async () => {
  const open = (key: string) =>
    collect(client.exportAuditEntries({ filter: undefined, afterSequence: 0n }, metadataOf(key)));
  const many = Promise.allSettled(Array.from({ length: serverLimits.streamsMax }, () => open(acmeKey)));
  assert.ok((await open(ADMIN_KEY)).length > 0);
  const refused = (await many).flatMap((one) => (one.status === 'rejected' ? [one.reason as ServiceError] : []));
  assert.ok(refused.length > 0);
  for (const { code } of refused) assert.equal(code, 8);
});

test('an entry that was altered, and one that a stranger has put in, is told by its offset', async () => {
  const records = run.kafka.records(AUDIT_TOPIC);
  const value = Buffer.from(AuditRecord.encode(AuditRecord.fromPartial({})).finish());
  const offset = run.kafka.append(AUDIT_TOPIC, 0, { key: null, value });
  const { broken, verifiedCount } = await verified();
  assert.deepEqual([broken?.offset, verifiedCount], [BigInt(offset), BigInt(records.length)]);
  assert.match(broken?.reason ?? '', /no entry/);
  assert.equal(
    (await listAll({ pageSize: 500 })).entries.length,
    records.length,
    'what is no entry is listed by nobody',
  );
});
