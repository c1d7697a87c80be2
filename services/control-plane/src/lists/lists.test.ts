import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Endpoint, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { EventType } from '@postrider/contract/postrider/v1/event_type';
import { Subscription, SubscriptionState } from '@postrider/contract/postrider/v1/subscription';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { createPageTokens } from '../page-token.ts';
import { createPaging } from '../paging.ts';
import { serverLimits } from '../server-limits.ts';
import { failure, startTestPlane } from '../../testing/harness.ts';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { Running } from '../../testing/harness.ts';

let run: Running;
// Made in this order, which is not that of names.
const ids = ['delta', 'alpha', 'echo', 'bravo', 'charlie'];
before(async () => {
  run = await startTestPlane();
  for (const tenantId of ['a', 'b']) {
    const tenant = Tenant.fromPartial({ labels: { plan: tenantId === 'a' ? 'free' : 'paid' } });
    await run.tenants.createTenant({ tenantId, tenant, requestId: '' });
  }
  for (const [n, endpointId] of ids.entries()) {
    const labels: Record<string, string> = n % 2 === 0 ? { team: 'even' } : {};
    const endpoint = Endpoint.fromPartial({ url: `https://${endpointId}.acme.dev/`, labels });
    await run.endpoints.createEndpoint({ parent: 'tenants/a', endpointId, endpoint, requestId: '' });
    const parent = `tenants/a/endpoints/${endpointId}`;
    const eventTypes = n === 0 ? ['order.paid', 'order.*'] : ['user.*'];
    const subscription = Subscription.fromPartial({ eventTypes });
    await run.subscriptions.createSubscription({ parent, subscriptionId: 'all', subscription, requestId: '' });
  }
  const name = 'tenants/a/endpoints/bravo';
  await run.endpoints.disableEndpoint({ name, pending: PendingPolicy.KEEP, etag: '' });
});
after(() => run.stop());

interface Asked {
  readonly filter?: string;
  readonly orderBy?: string;
  readonly pageSize?: number;
  readonly parent?: string;
}

/** Last parts of the names, page by page. */
async function endpoints({
  filter = '',
  orderBy = '',
  pageSize = 0,
  parent = 'tenants/a',
}: Asked): Promise<string[][]> {
  const pages: string[][] = [];
  let pageToken = '';
  do {
    const page = await run.endpoints.listEndpoints({ parent, filter, orderBy, pageSize, pageToken });
    pages.push(page.endpoints.map(({ name }) => name.split('/').at(-1) ?? ''));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return pages;
}

test('endpoints are filtered by their state, labels, URL and times', async () => {
  const found = async (filter: string) => (await endpoints({ filter })).flat().join(' ');
  assert.equal(await found('state = DISABLED'), 'bravo');
  assert.equal(await found('state = ENABLED AND labels.team = "even"'), 'charlie delta echo');
  assert.equal(await found('labels.team:* AND url : "delta"'), 'delta');
  assert.equal(await found('disable_time:*'), 'bravo');
  const { createTime } = await run.endpoints.getEndpoint({ name: 'tenants/a/endpoints/echo' });
  const since = `create_time >= "${createTime?.toISOString()}"`;
  assert.ok((await found(since)).includes('echo'));
  assert.equal(await found('create_time > "2100-01-01T00:00:00Z"'), '');
});

test('pages of a filtered list hold everything that is wanted once, whatever their size', async () => {
  for (const pageSize of [1, 2, 3, 500]) {
    const pages = await endpoints({ filter: 'labels.team = even', pageSize });
    assert.deepEqual(pages.flat(), ['charlie', 'delta', 'echo']);
  }
});

test('a list is walked through by time of creation or by name, both ways, whatever the size of its pages', async () => {
  const byName = ids.toSorted((a, b) => (a < b ? -1 : 1));
  const times = new Map<string, number>();
  for (const id of ids) {
    const { createTime } = await run.endpoints.getEndpoint({ name: `tenants/a/endpoints/${id}` });
    times.set(id, createTime?.getTime() ?? 0);
  }
  const byTime = byName.toSorted((a, b) => (times.get(a) ?? 0) - (times.get(b) ?? 0));
  for (const pageSize of [1, 2, 4, 5, 500]) {
    const walk = async (orderBy: string) => (await endpoints({ orderBy, pageSize })).flat();
    assert.deepEqual(await walk('name'), byName);
    assert.deepEqual(await walk('name desc'), byName.toReversed());
    assert.deepEqual(await walk('create_time'), byTime);
    assert.deepEqual(await walk('create_time desc'), byTime.toReversed());
  }
  assert.deepEqual((await endpoints({ orderBy: 'create_time', parent: 'tenants/-' })).flat(), byTime);
});

test('a token goes on with the filter and the order that it was made for, and with no other', async () => {
  const asked = { parent: 'tenants/a', filter: 'labels.team = even', orderBy: 'name desc', pageSize: 1 };
  const { nextPageToken: pageToken } = await run.endpoints.listEndpoints({ ...asked, pageToken: '' });
  assert.notEqual(pageToken, '');
  for (const other of [{ filter: '' }, { filter: 'state = ENABLED' }, { orderBy: '' }, { orderBy: 'create_time' }]) {
    const { fields } = await failure(run.endpoints.listEndpoints({ ...asked, ...other, pageToken }));
    assert.deepEqual(fields, ['page_token'], JSON.stringify(other));
  }
});

test('subscriptions, tenants and event types are filtered and ordered, too', async () => {
  const parent = 'tenants/a/endpoints/-';
  const page = { pageSize: 0, pageToken: '', orderBy: '' };
  const subscriptions = async (filter: string, orderBy = '') =>
    (await run.subscriptions.listSubscriptions({ ...page, parent, filter, orderBy })).subscriptions.map(
      ({ name }) => name.split('/')[3],
    );
  assert.deepEqual(await subscriptions('event_types:"order.*"'), ['delta']);
  const name = 'tenants/a/endpoints/echo/subscriptions/all';
  const paused = Subscription.fromPartial({ name, state: SubscriptionState.PAUSED });
  await run.subscriptions.updateSubscription({ subscription: paused, updateMask: ['state'] });
  assert.deepEqual(await subscriptions('state = PAUSED'), ['echo']);
  assert.deepEqual((await subscriptions('', 'create_time desc')).length, 5);
  const { tenants } = await run.tenants.listTenants({ ...page, filter: 'labels.plan = paid' });
  assert.deepEqual(
    tenants.map(({ name: tenant }) => tenant),
    ['tenants/b'],
  );
  const newest = await run.tenants.listTenants({ ...page, filter: '', orderBy: 'name desc' });
  assert.equal(newest.tenants[0]?.name, 'tenants/b');
  const eventType = EventType.fromPartial({ labels: { owner: 'billing' } });
  await run.eventTypes.createEventType({ eventTypeId: 'x.one', eventType, requestId: '' });
  await run.eventTypes.createEventType({ eventTypeId: 'x.two', eventType: EventType.fromPartial({}), requestId: '' });
  const types = { ...page, showArchived: false, typePrefix: '', orderBy: 'create_time desc' };
  const { eventTypes } = await run.eventTypes.listEventTypes({ ...types, filter: 'labels.owner:*' });
  assert.deepEqual(
    eventTypes.map(({ name: type }) => type),
    ['eventTypes/x.one'],
  );
});

test('what is not understood is refused by its name, before a page is made', async () => {
  const list = (asked: Asked) =>
    failure(
      run.endpoints.listEndpoints({
        parent: 'tenants/a',
        filter: '',
        orderBy: '',
        pageSize: 0,
        pageToken: '',
        ...asked,
      }),
    );
  const unknown = await list({ filter: 'colour = red' });
  assert.deepEqual([unknown.code, unknown.fields], ['INVALID_ARGUMENT', ['filter']]);
  assert.match(unknown.violations[0] ?? '', /at character 1: there is no such field/);
  assert.deepEqual((await list({ filter: 'state = "' })).fields, ['filter']);
  assert.deepEqual((await list({ orderBy: 'update_time' })).fields, ['order_by']);
});

test('so many are looked at for one page at most, and so many are ordered by time', () => {
  const paging = createPaging(createPageTokens(Buffer.alloc(32)));
  const count = serverLimits.listOrderedMax + 1;
  const names = Array.from({ length: count }, (_, n) => String(n).padStart(6, '0'));
  const wanted = String(serverLimits.pageLookedAtMax + 10).padStart(6, '0');
  let lookedAt = 0;
  const list = {
    ...{ method: 'List', parent: '', snapshot: {} as ConfigSnapshot, query: 'x', bytes: () => 1 },
    names: () => names,
    resource: (name: string) => {
      lookedAt += 1;
      return name === wanted ? name : undefined;
    },
  };
  const first = paging.page(list, { pageSize: 10, pageToken: '' });
  assert.deepEqual([first.items, lookedAt], [[], serverLimits.pageLookedAtMax]);
  const second = paging.page(list, { pageSize: 10, pageToken: first.nextPageToken });
  assert.deepEqual(second.items, [wanted]);
  const createTimes = () => names.map((name) => [name, new Date(0)] as const);
  const order = { field: 'create_time', descending: false } as const;
  assert.throws(() => paging.page({ ...list, order, createTimes }, { pageSize: 1, pageToken: '' }), /order_by/);
});

test('the order of the lists that were asked for last is remembered, and of no more of them', () => {
  const paging = createPaging(createPageTokens(Buffer.alloc(32)));
  const snapshot = {} as ConfigSnapshot;
  const sorted: string[] = [];
  const ask = (parent: string): void => {
    const names = () => {
      sorted.push(parent);
      return [];
    };
    paging.page(
      { method: 'List', parent, snapshot, names, resource: (name) => name, bytes: () => 1 },
      { pageSize: 1, pageToken: '' },
    );
  };
  for (const parent of ['walked', 'left', 'walked']) ask(parent);
  for (let other = 0; other < serverLimits.listsSortedMax; other += 1) {
    ask(`${other}`);
    ask('walked');
  }
  ask('left');
  assert.deepEqual(
    sorted.filter((parent) => !/\d/.test(parent)),
    ['walked', 'left', 'left'],
  );
});
