import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { failure, startTestPlane } from '../testing/harness.ts';
import type { Running } from '../testing/harness.ts';

let run: Running;
const ids = Array.from({ length: 23 }, (_, n) => `e${String((n * 7) % 23).padStart(2, '0')}`);
before(async () => {
  run = await startTestPlane();
  for (const tenantId of ['a', 'b']) {
    await run.tenants.createTenant({ tenantId, tenant: undefined, requestId: '' });
    await Promise.all(ids.map((endpointId) => create(`tenants/${tenantId}`, endpointId)));
  }
});
after(() => run.stop());

function create(parent: string, endpointId: string, headers: Record<string, string> = {}) {
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/', headers });
  return run.endpoints.createEndpoint({ parent, endpointId, endpoint, requestId: '' });
}

async function walk(parent: string, pageSize: number): Promise<string[][]> {
  const pages: string[][] = [];
  let pageToken = '';
  do {
    const page = await run.endpoints.listEndpoints({ parent, pageSize, pageToken, filter: '', orderBy: '' });
    pages.push(page.endpoints.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return pages;
}

test('pages hold every endpoint once, in the order of names, whatever their size', async () => {
  const wanted = ids.toSorted((a, b) => (a < b ? -1 : 1)).map((id) => `tenants/a/endpoints/${id}`);
  for (const size of [1, 7, 22, 23, 24, 0, 10_000]) {
    const pages = await walk('tenants/a', size);
    assert.deepEqual(pages.flat(), wanted);
    assert.equal(pages[0]?.length, size === 0 || size > 23 ? 23 : size);
  }
  assert.equal((await walk('tenants/-', 9)).flat().length, 46);
});

test('a list goes on where it was after a change', async () => {
  const first = await run.endpoints.listEndpoints({
    parent: 'tenants/a',
    pageSize: 5,
    pageToken: '',
    filter: '',
    orderBy: '',
  });
  await run.endpoints.deleteEndpoint({ name: 'tenants/a/endpoints/e04', etag: '' });
  const { name } = await create('tenants/a', 'e04x');
  const rest = await run.endpoints.listEndpoints({
    parent: 'tenants/a',
    pageSize: 5,
    pageToken: first.nextPageToken,
    filter: '',
    orderBy: '',
  });
  assert.equal(rest.endpoints[0]?.name, name);
  await run.endpoints.deleteEndpoint({ name, etag: '' });
  await create('tenants/a', 'e04');
});

test('a token of another list, an altered one and a negative size are refused', async () => {
  const page = await run.endpoints.listEndpoints({
    parent: 'tenants/a',
    pageSize: 5,
    pageToken: '',
    filter: '',
    orderBy: '',
  });
  const token = page.nextPageToken;
  const list = (parent: string, pageToken: string, pageSize = 5) =>
    failure(run.endpoints.listEndpoints({ parent, pageSize, pageToken, filter: '', orderBy: '' }));
  assert.deepEqual((await list('tenants/b', token)).fields, ['page_token']);
  assert.deepEqual((await list('tenants/a', `${token}A`)).fields, ['page_token']);
  assert.deepEqual((await list('tenants/a', 'junk')).fields, ['page_token']);
  const tenants = await failure(run.tenants.listTenants({ pageSize: 1, pageToken: token, filter: '', orderBy: '' }));
  assert.deepEqual(tenants.fields, ['page_token']);
  assert.deepEqual((await list('tenants/a', '', -1)).fields, ['page_size']);
  assert.equal((await list('tenants/absent', '')).code, 'NOT_FOUND');
});

test('a page of large resources is cut before the answer gets too large', async () => {
  await run.tenants.createTenant({ tenantId: 'large', tenant: undefined, requestId: '' });
  const headers = { 'x-a': 'v'.repeat(4_000), 'x-b': 'v'.repeat(4_000) };
  const count = 300;
  await Promise.all(Array.from({ length: count }, (_, n) => create('tenants/large', `e${n}`, headers)));
  const pages = await walk('tenants/large', 500);
  assert.equal(pages.flat().length, count);
  assert.ok(pages.length > 1);
});
