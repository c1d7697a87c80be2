/** Source addresses over gRPC and HTTP, and what is told of their changes: `testing/harness.ts` says what is a double. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { EgressServiceClient } from '@postrider/contract/postrider/v1/egress_service';
import { limits } from '@postrider/core';
import { parsePools } from '@postrider/egress';
import { createFakeKafka } from '@postrider/kafka/testing';
import { systemClock } from '@postrider/runtime';
import { calls, failure, startTestPlane } from '../../testing/harness.ts';
import { EGRESS_PATH } from './egress-document.ts';
import type { EgressAddress } from '@postrider/contract/postrider/v1/egress';
import type { Running } from '../../testing/harness.ts';

const DAY_MS = 86_400_000;
const definitions = {
  partners: { kind: 'addresses', localAddresses: ['192.0.2.7'], sourceAddresses: ['192.0.2.7', '192.0.2.20'] },
  plain: { kind: 'nat' },
};
const pools = parsePools(JSON.stringify(definitions), () => '');
let ahead = 0;
const clock = { ...systemClock, now: () => Date.now() + ahead, monotonic: () => performance.now() + ahead };
const run = await startTestPlane({ pools }, createFakeKafka({ clock: { ...clock, after: systemClock.after } }));
after(() => run.stop());

const parent = 'egressPools/partners';
const later = (ms: number) => new Date(clock.now() + ms);
const announce = (cidr: string, changes: { effectiveTime?: Date; force?: boolean; parent?: string } = {}) =>
  run.egress.announceEgressAddress({ parent, effectiveTime: undefined, force: false, cidr, ...changes });
const retire = (name: string, changes: { retireTime?: Date; force?: boolean } = {}) =>
  run.egress.retireEgressAddress({ name, retireTime: undefined, force: false, ...changes });
const list = async (of = parent, where: Running = run): Promise<readonly EgressAddress[]> =>
  (await where.egress.listEgressAddresses({ parent: of, pageSize: 0, pageToken: '' })).egressAddresses;
const page = (headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${run.plane.wellKnownPort}${EGRESS_PATH}`, { headers });
const told = (where: Running = run) =>
  where.kafka
    .records('postrider.operations')
    .filter(({ headers }) => String(headers['ce_type']) === 'postrider.egress.addresses_changing');

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}

test('what pools leave from already is announced as it is, and the same at the next start', async () => {
  const [first, second, ...others] = await list();
  assert.deepEqual(
    [first?.cidr, first?.state, second?.cidr, second?.state, others.length],
    ['192.0.2.20/32', 'EGRESS_ADDRESS_STATE_ACTIVE', '192.0.2.7/32', 'EGRESS_ADDRESS_STATE_ACTIVE', 0],
  );
  assert.deepEqual(await list('egressPools/plain'), []);
  assert.equal(told().length, 0);
  await using before = await startTestPlane({ pools });
  const announcedBefore = await list(parent, before);
  await before.stop();
  const more = { ...definitions, partners: { ...definitions.partners, sourceAddresses: ['192.0.2.7', '192.0.2.99'] } };
  await using next = await startTestPlane({ pools: parsePools(JSON.stringify(more), () => '') }, before.kafka);
  // What is declared later is used when somebody announces it, and not before.
  assert.deepEqual(await list(parent, next), announcedBefore);
});

test('pools tell how many addresses they have, and when that changes; without credentials, and not without end', async () => {
  const client = new EgressServiceClient(`127.0.0.1:${run.plane.port}`, credentials.createInsecure());
  const open = calls(client, null);
  after(() => client.close());
  const { egressPools } = await open.listEgressPools({ pageSize: 0, pageToken: '' });
  assert.deepEqual(
    egressPools.map(({ name }) => name),
    ['egressPools/default', 'egressPools/partners', 'egressPools/plain'],
  );
  const pool = await open.getEgressPool({ name: parent });
  assert.deepEqual([pool.usableAddresses, pool.announcedAddresses, pool.nextChangeTime], [2, 0, undefined]);
  assert.equal(
    (await open.listEgressAddresses({ parent: 'egressPools/-', pageSize: 0, pageToken: '' })).egressAddresses.length,
    2,
  );
  assert.equal((await failure(open.getEgressPool({ name: 'egressPools/none' }))).code, 'NOT_FOUND');
  const refused = failure(
    open.announceEgressAddress({ parent, cidr: '192.0.2.50', effectiveTime: undefined, force: true }),
  );
  assert.equal((await refused).code, 'UNAUTHENTICATED');
  const many = await Promise.allSettled(Array.from({ length: 60 }, () => open.getEgressPool({ name: parent })));
  const codes = many.map((one) => (one.status === 'fulfilled' ? 'OK' : String((one.reason as { code: number }).code)));
  assert.ok(codes.includes('8') && codes.includes('OK'), codes.join());
});

test('an address is announced, told, listed, used, retired and told again', async () => {
  const made = await announce('192.0.2.8');
  assert.deepEqual([made.name, made.cidr], [`${parent}/addresses/192.0.2.8`, '192.0.2.8/32']);
  assert.deepEqual([made.state, made.retireTime], ['EGRESS_ADDRESS_STATE_ANNOUNCED', undefined]);
  assert.equal(Number(made.effectiveTime) - Number(made.announceTime), limits.addressNoticeMs);
  const pool = await run.egress.getEgressPool({ name: parent });
  assert.deepEqual([pool.announcedAddresses, pool.nextChangeTime], [1, made.effectiveTime]);
  await until(() => told().length === 1);
  const [record] = told();
  assert.equal(String(record?.key), parent);
  const { state, cidr } = JSON.parse(String(record?.value)) as { state: string; cidr: string };
  assert.deepEqual([state, cidr], ['ANNOUNCED', '192.0.2.8/32']);
  assert.equal((await failure(announce('192.0.2.8'))).code, 'ALREADY_EXISTS');
  // Sooner than receivers are promised only by force; then at once.
  const soon = await failure(announce('192.0.2.9', { effectiveTime: later(DAY_MS) }));
  assert.deepEqual([soon.code, soon.fields], ['INVALID_ARGUMENT', ['effective_time']]);
  const forced = await announce('192.0.2.9', { effectiveTime: later(-DAY_MS), force: true });
  assert.equal(forced.state, 'EGRESS_ADDRESS_STATE_ACTIVE');
  const early = await failure(retire(forced.name, { retireTime: later(DAY_MS) }));
  assert.deepEqual([early.code, early.fields], ['INVALID_ARGUMENT', ['retire_time']]);
  const retiring = await retire(forced.name);
  assert.equal(retiring.state, 'EGRESS_ADDRESS_STATE_RETIRING');
  // It is kept after all.
  const kept = await announce('192.0.2.9');
  assert.deepEqual([kept.state, kept.retireTime], ['EGRESS_ADDRESS_STATE_ACTIVE', undefined]);
  const gone = await retire(forced.name, { retireTime: later(0), force: true });
  assert.equal(gone.state, 'EGRESS_ADDRESS_STATE_RETIRED');
  assert.deepEqual(await retire(forced.name), gone);
  // Nothing has come from it yet: no notice is owed.
  assert.equal((await retire(made.name)).state, 'EGRESS_ADDRESS_STATE_RETIRED');
  await until(() => told().length === 6);
  const ids = told().map(({ headers }) => String(headers['ce_id']));
  assert.equal(new Set(ids).size, 6);
});

test('what would close a pool, overlap, or is no range is refused, by field', async () => {
  const overlapping = await failure(announce('192.0.2.0/28', { force: true }));
  assert.deepEqual([overlapping.code, /192\.0\.2\.7\/32/.test(overlapping.message)], ['FAILED_PRECONDITION', true]);
  const wrong = [
    '',
    '192.0.2',
    '192.0.2.7/24',
    '0.0.0.0/0',
    '10.0.0.0/15',
    '2001::/31',
    'example.com',
    '127.1',
    '1.2.3.4/33',
  ];
  for (const cidr of wrong) {
    const { code, fields } = await failure(announce(cidr));
    assert.deepEqual([code, fields], ['INVALID_ARGUMENT', ['cidr']], cidr);
  }
  assert.equal((await failure(announce('192.0.2.200', { parent: 'egressPools/none' }))).code, 'NOT_FOUND');
  const far = await failure(announce('192.0.2.200', { effectiveTime: later(400 * DAY_MS) }));
  assert.deepEqual([far.code, far.fields], ['INVALID_ARGUMENT', ['effective_time']]);
  // Its first announcement must not close a pool that leaves from wherever the routes lead.
  const plain = 'egressPools/plain';
  assert.equal((await failure(announce('198.51.100.1', { parent: plain }))).code, 'FAILED_PRECONDITION');
  const only = await announce('198.51.100.1', { parent: plain, effectiveTime: later(0), force: true });
  assert.equal((await failure(retire(only.name))).code, 'FAILED_PRECONDITION');
  // Another address must be there before that, and be one that the processes have.
  const { name } = await announce('198.51.100.2', { parent: plain });
  assert.equal((await retire(only.name)).state, 'EGRESS_ADDRESS_STATE_RETIRING');
  // Nor is it taken back then: the pool would be closed when the other one has gone.
  assert.equal((await failure(retire(name))).code, 'FAILED_PRECONDITION');
  assert.equal((await retire(name, { force: true })).state, 'EGRESS_ADDRESS_STATE_RETIRED');
  await announce('203.0.113.0/24');
  for (const address of ['192.0.2.7', '192.0.2.20']) {
    const asked = retire(`${parent}/addresses/${address}`);
    if (address === '192.0.2.7') assert.equal((await asked).state, 'EGRESS_ADDRESS_STATE_RETIRING');
    else assert.equal((await failure(asked)).code, 'FAILED_PRECONDITION');
  }
  assert.equal((await failure(retire(`${parent}/addresses/192.0.2.77`))).code, 'NOT_FOUND');
  assert.deepEqual((await failure(retire('egressPools/partners'))).fields, ['name']);
});

test('a pool of which every address is retired is refused to endpoints', async () => {
  const quotas = { endpointsMax: 0, deliveriesPerSecond: 0, egressPools: ['egressPools/plain'] };
  const tenant = Tenant.fromPartial({ quotas });
  const { name } = await run.tenants.createTenant({ tenantId: 'acme', tenant, requestId: '' });
  const create = () => {
    const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/in', egressPool: 'egressPools/plain' });
    return run.endpoints.createEndpoint({ parent: name, endpointId: '', endpoint, requestId: '' });
  };
  await create();
  for (const { name: address } of await list('egressPools/plain'))
    await retire(address, { retireTime: later(0), force: true });
  const { code, fields } = await failure(create());
  assert.deepEqual([code, fields], ['INVALID_ARGUMENT', ['endpoint.egress_pool']]);
  await announce('198.51.100.7', { parent: 'egressPools/plain' });
  await create();
});

test('the page says the same as the list, is kept by its ETag, and changes with the time', async () => {
  const first = await page();
  assert.equal(first.status, 200);
  const text = await first.text();
  const document = JSON.parse(text) as {
    syncToken: string;
    createTime: string;
    egressPools: { name: string; addresses: { cidr: string; state: string }[] }[];
  };
  const etag = first.headers.get('etag') ?? '';
  assert.equal(etag, `"${document.syncToken}"`);
  const listed = (await list('egressPools/-'))
    .filter(({ state }) => state !== 'EGRESS_ADDRESS_STATE_RETIRED')
    .map(({ cidr, state }) => `${cidr} ${state.replace('EGRESS_ADDRESS_STATE_', '')}`);
  const shown = document.egressPools.flatMap(({ addresses }) => addresses.map(({ cidr, state }) => `${cidr} ${state}`));
  assert.deepEqual(shown.toSorted(), listed.toSorted());
  assert.match(first.headers.get('cache-control') ?? '', /^public, max-age=300$/);
  assert.equal((await page({ 'if-none-match': etag })).status, 304);
  // An address becomes active by the clock alone, and the page with it; until then nobody keeps it for longer than that.
  ahead += limits.addressNoticeMs - 60_000;
  const before = await page({ 'if-none-match': etag });
  assert.equal(before.status, 304);
  const [, keptS] = /max-age=(\d+)/.exec(before.headers.get('cache-control') ?? '') ?? [];
  assert.ok(Number(keptS) > 30 && Number(keptS) <= 60, `kept for ${keptS} s`);
  ahead += 60_000;
  const then = await page({ 'if-none-match': etag });
  assert.equal(then.status, 200);
  assert.match(await then.text(), /"cidr": "203.0.113.0\/24",\s+"state": "ACTIVE"/);
});
