/**
 * What clients may send and nobody may be allowed: every row is refused by its status and its field, over a real connection, and
 * nothing is stored. Doubles: Kafka. Observed: statuses with their details, the records on `config`, promises that nobody handles.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { encode, openRaw, type RawClient } from '../testing/raw-calls.ts';
import { ADMIN_KEY, CONFIG_TOPIC, failure, startTestPlane, type Running } from '../testing/harness.ts';
import { badBytes } from '../testing/bad-inputs/bytes.ts';
import { badEndpoints } from '../testing/bad-inputs/endpoints.ts';
import { badHeaders } from '../testing/bad-inputs/headers.ts';
import { badNames } from '../testing/bad-inputs/names.ts';
import { badFilters, badPolicies } from '../testing/bad-inputs/policies.ts';
import type { JsonObject } from '@bufbuild/protobuf';
import type { MethodName } from '@postrider/core';
import type { BadInput } from '../testing/bad-inputs/bad-input.ts';

const tables: Readonly<Record<string, readonly BadInput[]>> = {
  'custom headers': badHeaders,
  'retries, limits, statuses, order': badPolicies,
  'filters and event types': badFilters,
  'URLs, secrets, authentication, texts': badEndpoints,
  'names, ids, pages, masks, etags, roles': badNames,
  bytes: badBytes,
};

let run: Running;
let raw: RawClient;
let stored = 0;
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

before(async () => {
  run = await startTestPlane();
  raw = openRaw(run.plane.port, ADMIN_KEY, { 'grpc.max_send_message_length': -1 });
  const make = (method: MethodName, request: JsonObject) => raw.call(method, encode(method, request));
  await make('CreateTenant', { tenant_id: 'acme' });
  await make('CreateEndpoint', {
    parent: 'tenants/acme',
    endpoint_id: 'one',
    endpoint: { url: 'https://hooks.acme.dev/' },
  });
  const subscription = { event_types: ['*'] };
  await make('CreateSubscription', { parent: 'tenants/acme/endpoints/one', subscription_id: 'one', subscription });
  stored = run.kafka.records(CONFIG_TOPIC).length;
});
after(async () => {
  raw[Symbol.dispose]();
  await run.stop();
});

let tried = 0;
for (const [table, rows] of Object.entries(tables)) {
  for (const { what, method, request, code = 'INVALID_ARGUMENT', fields, reason } of rows) {
    test(`${table}: ${what}`, async () => {
      const bytes = Buffer.isBuffer(request) ? request : encode(method, request);
      const answer = await failure(raw.call(method, bytes));
      assert.equal(answer.code, code, answer.message);
      if (fields !== undefined) assert.deepEqual(answer.fields, fields);
      if (reason !== undefined) assert.equal(answer.fieldReasons[0], reason);
      tried += 1;
    });
  }
}

/** What callers may show instead of a key that opens something. */
const wrongKeys: readonly (readonly string[])[] = [
  ...[
    [],
    [''],
    ['Bearer'],
    ['Bearer '],
    ['Basic YTpi'],
    [ADMIN_KEY],
    [`Bearer ${ADMIN_KEY}x`],
    [`Bearer  ${ADMIN_KEY} x`],
  ],
  ...[[`Bearer ${ADMIN_KEY.slice(0, -1)}`], ['Bearer prk_test_'], ['Bearer null']],
  ...[
    [`Bearer ${ADMIN_KEY.toUpperCase()}`],
    ['Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.'],
    [`Bearer ${'a'.repeat(8_000)}`],
  ],
];
for (const [index, values] of wrongKeys.entries()) {
  test(`credentials ${index}: ${JSON.stringify(values).slice(0, 60)}`, async () => {
    const metadata = new Metadata();
    for (const value of values) metadata.add('authorization', value);
    const answer = await failure(raw.call('ListTenants', Buffer.alloc(0), metadata));
    assert.equal(answer.code, 'UNAUTHENTICATED', answer.message);
    tried += 1;
  });
}

/** Bounds that are not refused, but kept to. */
test('a page of a thousand million entries has as many as a page may have', async () => {
  const bytes = encode('ListTenants', { page_size: 1_000_000_000 });
  assert.ok((await raw.call('ListTenants', bytes)).length > 0);
});

test('at least 300 rows were refused, nothing was stored, and no promise was left to itself', async (t) => {
  const counts = Object.entries(tables).map(([table, rows]) => `${rows.length} ${table}`);
  t.diagnostic(`${tried} bad inputs refused: ${counts.join('; ')}; ${wrongKeys.length} credentials`);
  assert.equal(tried, Object.values(tables).flat().length + wrongKeys.length);
  assert.ok(tried >= 300, `${tried}`);
  assert.equal(run.kafka.records(CONFIG_TOPIC).length, stored);
  await new Promise(setImmediate);
  assert.deepEqual(unhandled, []);
});
