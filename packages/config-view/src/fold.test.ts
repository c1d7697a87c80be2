import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createConfigFold } from './fold.ts';
import { CONFIG_SCHEMA_VERSION } from './schema-version.ts';
import {
  apiKeyEntity,
  claimRecord,
  configRecord,
  deletionRecord,
  endpointEntity,
  layoutEntity,
  pauseEntity,
  plainNull,
  subscriptionEntity,
  tenantEntity,
} from './test-records.ts';
import type { ConfigSnapshot } from './snapshot.ts';
import type { TestRecord } from './test-records.ts';

function fold(records: readonly TestRecord[]) {
  const config = createConfigFold();
  const folded = records.map((record, offset) => config.apply(record.placed(offset)));
  return { config, folded, snapshot: config.snapshot(), codes: folded.flatMap(({ problem }) => problem?.code ?? []) };
}

/** What a snapshot says, as plain data that can be compared. */
function plain(snapshot: ConfigSnapshot) {
  const byUid = <T>(items: Iterable<T>, name: (item: T) => string | undefined): (string | undefined)[] =>
    [...items].map((item) => `${name(item)} ${JSON.stringify(item)}`).toSorted();
  return {
    revision: snapshot.revision,
    tenants: byUid(snapshot.tenants(), ({ tenant }) => tenant?.name),
    endpoints: byUid(snapshot.endpoints(), ({ endpoint }) => endpoint?.name),
    subscriptions: byUid(snapshot.subscriptions(), ({ name }) => name),
    unreadable: [...snapshot.problems()].map(({ key, code }) => `${key} ${code}`).toSorted(),
    ofTenants: ['t0', 't1'].map((id) => [
      snapshot.endpointCount(id),
      snapshot
        .endpointsOf(id)
        .map(({ endpoint }) => endpoint?.uid ?? '')
        .toSorted(),
    ]),
    ofEndpoints: ['e0', 'e1', 'e2'].map((uid) =>
      snapshot
        .subscriptionsOf(uid)
        .map((one) => one.uid)
        .toSorted(),
    ),
  };
}

test('of two records of one key the higher (writer epoch, revision) holds, wherever it stands', () => {
  const newer = configRecord('endpoint/e0', 1, 3, endpointEntity('t0', 'e0', 'https://new.example'));
  const older = configRecord('endpoint/e0', 1, 2, endpointEntity('t0', 'e0', 'https://old.example'));
  for (const order of [
    [newer, older, newer],
    [older, newer],
    [older, newer, older],
  ]) {
    assert.equal(fold(order).snapshot.endpoint('e0')?.endpoint?.url, 'https://new.example');
  }
});

test('a duplicate changes nothing, and the snapshot stays the same object', () => {
  const record = configRecord('tenant/t0', 1, 2, tenantEntity('t0'));
  const config = createConfigFold();
  assert.equal(config.apply(record.placed(0)).change?.kind, 'tenant');
  const before = config.snapshot();
  assert.deepEqual(config.apply(record.placed(1)), {});
  assert.equal(config.snapshot(), before);
});

test('a deletion holds against older records that come late', () => {
  const { config, snapshot } = fold([
    configRecord('endpoint/e0', 1, 2, endpointEntity('t0', 'e0')),
    deletionRecord('endpoint/e0', 1, 3),
    configRecord('endpoint/e0', 1, 2, endpointEntity('t0', 'e0')),
  ]);
  assert.equal(snapshot.endpoint('e0'), undefined);
  assert.equal(snapshot.endpointByName('tenants/t0/endpoints/e0'), undefined);
  assert.equal(snapshot.endpointCount('t0'), 0);
  assert.equal(snapshot.revision, '3');
  assert.equal(config.knowsDeleted('endpoint/e0'), true);
  assert.equal(config.knowsDeleted('endpoint/e1'), false);
  config.apply(configRecord('endpoint/e0', 1, 4, endpointEntity('t0', 'e0')).placed(9));
  assert.equal(config.knowsDeleted('endpoint/e0'), false);
});

test('a null value without a header deletes, but not for good: a newer record brings the entity back', () => {
  const first = configRecord('tenant/t0', 1, 2, tenantEntity('t0'));
  assert.equal(fold([first, plainNull('tenant/t0')]).snapshot.tenant('t0'), undefined);
  assert.equal(fold([first, plainNull('tenant/t0'), first]).snapshot.tenant('t0'), undefined);
  const newer = configRecord('tenant/t0', 1, 3, tenantEntity('t0'));
  assert.ok(fold([first, plainNull('tenant/t0'), newer]).snapshot.tenant('t0'));
});

test('layout and writer claim survive every deletion', () => {
  const { snapshot, codes } = fold([
    configRecord('layout/current', 0, 2, layoutEntity(12)),
    claimRecord(3),
    plainNull('layout/current'),
    deletionRecord('layout/current', 1, 9),
    plainNull('writer/current'),
  ]);
  assert.equal(snapshot.layout?.partitions, 12);
  assert.equal(snapshot.writer?.epoch, 1);
  assert.deepEqual(codes, ['deletion_refused', 'deletion_refused', 'deletion_refused']);
});

test('a writer that lost its place is ignored from the newer claim on, and only from there', () => {
  const { snapshot, codes, folded } = fold([
    claimRecord(0),
    configRecord('tenant/t0', 0, 1, tenantEntity('t0', 'early')),
    claimRecord(2),
    configRecord('tenant/t0', 0, 9, tenantEntity('t0', 'stale')),
    configRecord('tenant/t1', 2, 3, tenantEntity('t1')),
  ]);
  assert.equal(snapshot.tenant('t0')?.tenant?.displayName, 'early');
  assert.ok(snapshot.tenant('t1'));
  assert.deepEqual(codes, ['stale_writer']);
  assert.match(folded[3]?.problem?.detail ?? '', /epoch is 0; epoch 2/);
});

test('the newest claim is the writer, whoever reads it again', () => {
  const config = createConfigFold();
  config.apply(claimRecord(0).placed(4));
  config.apply(claimRecord(0).placed(7));
  config.apply(claimRecord(0).placed(4));
  assert.equal(config.snapshot().writer?.epoch, 7);
  assert.equal(config.snapshot().revision, '7');
  assert.ok(config.reached(7n));
  assert.ok(!config.reached(8n));
});

test('what cannot be read is kept aside: the last good one and all others still hold', () => {
  const good = configRecord('endpoint/e0', 1, 2, endpointEntity('t0', 'e0', 'https://good.example'));
  const cases: readonly [string, TestRecord][] = [
    ['record_unreadable', { placed: (offset) => ({ ...good.placed(offset), value: Buffer.from([0xff, 0xff, 0xff]) }) }],
    ['record_unreadable', { placed: (offset) => ({ ...good.placed(offset), value: Buffer.alloc(0) }) }],
    [
      'key_mismatch',
      {
        placed: (offset) => ({
          ...configRecord('endpoint/e1', 1, 3, endpointEntity('t0', 'e1')).placed(offset),
          key: Buffer.from('endpoint/e0'),
        }),
      },
    ],
    [
      'schema_newer',
      configRecord('endpoint/e0', 1, 3, endpointEntity('t0', 'e0', 'https://x.example'), {
        schemaVersion: CONFIG_SCHEMA_VERSION + 1,
      }),
    ],
    ['entity_unknown', configRecord('endpoint/e0', 1, 3, undefined)],
    ['entity_invalid', configRecord('endpoint/e0', 1, 3, tenantEntity('e0'))],
    ['entity_invalid', configRecord('endpoint/e0', 1, 3, endpointEntity('t0', 'e7'))],
  ];
  for (const [code, bad] of cases) {
    const { snapshot, codes } = fold([good, bad, configRecord('tenant/t1', 1, 4, tenantEntity('t1'))]);
    assert.deepEqual(codes, [code]);
    assert.equal(snapshot.endpoint('e0')?.endpoint?.url, 'https://good.example', code);
    assert.equal(snapshot.unreadable('endpoint', 'e0')?.code, code);
    assert.equal(snapshot.unreadable('endpoint', 'e1'), undefined);
    assert.ok(snapshot.tenant('t1'));
  }
});

test('an entity that was never readable is not known to be gone, until a readable record of it comes', () => {
  const newer = configRecord('endpoint/e0', 1, 3, endpointEntity('t0', 'e0'), {
    schemaVersion: CONFIG_SCHEMA_VERSION + 1,
  });
  const { config, snapshot } = fold([newer]);
  assert.equal(snapshot.endpoint('e0'), undefined);
  assert.equal(snapshot.unreadable('endpoint', 'e0')?.code, 'schema_newer');
  assert.ok(config.reached(3n), 'its revision has been passed all the same');
  config.apply(configRecord('endpoint/e0', 1, 4, endpointEntity('t0', 'e0')).placed(9));
  assert.equal(config.snapshot().unreadable('endpoint', 'e0'), undefined);
  assert.ok(config.snapshot().endpoint('e0'));
  assert.equal(snapshot.endpoint('e0'), undefined, 'an earlier snapshot does not change');
});

test('keys of no known form or kind are reported and harm nothing', () => {
  const bare = configRecord('tenant/t0', 1, 2, tenantEntity('t0'));
  const { codes } = fold([
    { placed: (offset) => ({ ...bare.placed(offset), key: null }) },
    { placed: (offset) => ({ ...bare.placed(offset), key: Buffer.from('tenant') }) },
    { placed: (offset) => ({ ...bare.placed(offset), key: Buffer.from('tenant/') }) },
    plainNull('egress-pool/p1'),
  ]);
  assert.deepEqual(codes, ['key_unreadable', 'key_unreadable', 'key_unreadable', 'kind_unknown']);
});

test('a subscription whose filter is not understood is refused, never taken for one without a filter', () => {
  const entity = subscriptionEntity('t0', 'e0', 's0');
  if (entity.$case !== 'subscription') assert.fail();
  const unknown = { dialect: undefined };
  const nested = {
    dialect: { $case: 'not' as const, value: { dialect: { $case: 'all' as const, value: { filters: [unknown] } } } },
  };
  for (const filter of [unknown, nested]) {
    const record = configRecord('subscription/s0', 1, 2, { $case: 'subscription', value: { ...entity.value, filter } });
    const { snapshot, codes } = fold([record]);
    assert.deepEqual(codes, ['entity_unknown']);
    assert.equal(snapshot.subscription('s0'), undefined);
  }
});

test('names and groups follow their entities through change, deletion and reuse', () => {
  const { snapshot, folded } = fold([
    configRecord('api-key/k', 1, 1, apiKeyEntity('k')),
    configRecord('endpoint/e0', 1, 2, endpointEntity('t0', 'e0', 'https://a.example', 'main')),
    configRecord('subscription/s0', 1, 3, subscriptionEntity('t0', 'e0', 's0')),
    deletionRecord('subscription/s0', 1, 4),
    deletionRecord('endpoint/e0', 1, 5),
    configRecord('endpoint/e1', 1, 6, endpointEntity('t0', 'e1', 'https://b.example', 'main')),
    configRecord('subscription/s1', 1, 7, subscriptionEntity('t0', 'e1', 's1')),
  ]);
  assert.equal(snapshot.endpointByName('tenants/t0/endpoints/main')?.endpoint?.uid, 'e1');
  assert.deepEqual(
    snapshot.endpointsOf('t0').map(({ endpoint }) => endpoint?.uid),
    ['e1'],
  );
  assert.deepEqual(
    snapshot.subscriptionsOf('e1').map(({ uid }) => uid),
    ['s1'],
  );
  assert.deepEqual(snapshot.subscriptionsOf('e0'), []);
  assert.equal(snapshot.subscriptionByName('tenants/t0/endpoints/e1/subscriptions/s1')?.uid, 's1');
  assert.equal(snapshot.apiKey('k')?.role, 'admin');
  const deleted = folded[4]?.change;
  assert.equal(deleted?.kind === 'endpoint' && deleted.before?.endpoint?.uid, 'e0');
  assert.equal(deleted?.after, undefined);
});

/** Writes of one writer: keys of few entities, each with its own revision. */
const writes = fc
  .array(fc.record({ what: fc.constantFrom('tenant', 'endpoint', 'subscription'), n: fc.nat(2), gone: fc.boolean() }), {
    minLength: 1,
    maxLength: 25,
  })
  .map((list) =>
    list.map(({ what, n, gone }, index) => {
      const revision = index + 1;
      const [key, entity] =
        what === 'tenant'
          ? [`tenant/t${n}`, tenantEntity(`t${n}`, `at ${revision}`)]
          : what === 'endpoint'
            ? [`endpoint/e${n}`, endpointEntity(`t${n % 2}`, `e${n}`, `https://r${revision}.example`)]
            : [`subscription/s${n}`, subscriptionEntity('t0', `e${n}`, `s${n}`, [`type.${revision}`])];
      return gone ? deletionRecord(key, 0, revision) : configRecord(key, 0, revision, entity);
    }),
  );

test('any order of duplicated and late records folds to the same snapshot', () => {
  const orders = writes.chain((list) =>
    fc.tuple(
      fc.constant(list),
      fc.array(fc.nat(list.length - 1), { maxLength: 20 }).chain((again) => {
        const all = [...list.keys(), ...again];
        return fc
          .shuffledSubarray([...all.keys()], { minLength: all.length })
          .map((order) => order.map((at) => all[at] ?? 0));
      }),
    ),
  );
  fc.assert(
    fc.property(orders, ([list, order]) => {
      const late = order.map((index) => list[index] ?? assert.fail());
      assert.deepEqual(plain(fold(late).snapshot), plain(fold(list).snapshot));
    }),
    { numRuns: 300 },
  );
});

test('a snapshot never changes, whenever it was taken', () => {
  fc.assert(
    fc.property(writes, (list) => {
      const config = createConfigFold();
      const taken = list.map((record, offset) => {
        config.apply(record.placed(offset));
        return { snapshot: config.snapshot(), was: plain(config.snapshot()) };
      });
      for (const { snapshot, was } of taken) assert.deepEqual(plain(snapshot), was);
    }),
    { numRuns: 100 },
  );
});

test('compaction at any point changes nothing for who reads the topic afresh', () => {
  fc.assert(
    fc.property(writes, fc.nat(25), (list, cut) => {
      const placed = [claimRecord(0), ...list].map((record, offset) => record.placed(offset));
      const newestOf = new Map(placed.slice(0, cut).map((record) => [record.key?.toString(), record.offset]));
      const compacted = placed.filter(({ key, offset }) => offset >= cut || newestOf.get(key?.toString()) === offset);
      const [whole, kept] = [placed, compacted].map((records) => {
        const config = createConfigFold();
        for (const record of records) config.apply(record);
        return plain(config.snapshot());
      });
      assert.deepEqual(kept, whole);
    }),
    { numRuns: 200 },
  );
});

test('200,000 endpoints load in seconds and one change afterwards copies little', () => {
  const config = createConfigFold();
  const count = 200_000;
  const template = endpointEntity('t0', 'ep_000000');
  const bytes = configRecord('endpoint/ep_000000', 0, 1, template).placed(0).value ?? Buffer.alloc(0);
  const value = (n: number): Buffer =>
    Buffer.from(bytes.toString('latin1').replaceAll('ep_000000', `ep_${String(n).padStart(6, '0')}`), 'latin1');
  const started = performance.now();
  for (let n = 0; n < count; n += 1) {
    config.apply({
      topic: 'c',
      partition: 0,
      offset: n,
      timestamp: 0,
      key: Buffer.from(`endpoint/ep_${String(n).padStart(6, '0')}`),
      value: value(n),
      headers: {},
    });
  }
  const before = config.snapshot();
  assert.equal(before.endpointCount('t0'), count);
  const loaded = performance.now();
  for (let change = 0; change < 100; change += 1) {
    config.apply(
      deletionRecord(`endpoint/ep_${String(change).padStart(6, '0')}`, 0, 10 + change).placed(count + change),
    );
    config.snapshot();
  }
  const perChangeMs = (performance.now() - loaded) / 100;
  assert.equal(before.endpointCount('t0'), count);
  assert.equal(config.snapshot().endpointCount('t0'), count - 100);
  // A copy of everything costs far more than a hundredth of the load; copied branches cost far less.
  assert.ok(perChangeMs < (loaded - started) / 20, `${perChangeMs} ms a change after ${loaded - started} ms of load`);
});

test('a pause is found by what it is of; one that this version cannot obey, or that stands elsewhere, is refused', () => {
  const of = (key: string, name: string, endpointUid = '') => configRecord(key, 1, 2, pauseEntity(name, endpointUid));
  const { snapshot, codes } = fold([
    of('pause/installation', 'installation'),
    of('pause/tenants/t0', 'tenants/t0'),
    of('pause/endpoints/e0', 'tenants/t0/endpoints/e0', 'e0'),
    of('pause/egressPools/eu', 'egressPools/eu'),
    of('pause/regions/eu', 'regions/eu'),
    of('pause/tenants/t1', 'tenants/t2'),
  ]);
  assert.deepEqual(codes, ['entity_unknown', 'entity_invalid']);
  const names = ['installation', 'tenants/t0', 'tenants/t0/endpoints/e0', 'egressPools/eu'];
  assert.deepEqual([...snapshot.pauses()].map(({ name }) => name).toSorted(), names.toSorted());
  assert.equal(snapshot.pause('endpoints/e0')?.name, names[2]);
});

test('what is put into a draft stands in it alone, and what is folded afterwards does not', () => {
  const claim = claimRecord(1);
  const { config } = fold([claim, configRecord('tenant/t0', 0, 2, tenantEntity('t0'))]);
  const before = plain(config.snapshot());
  const draft = config.draft();
  const name = (id: string) => draft.snapshot().tenant(id)?.tenant?.name;
  draft.put('tenant/t1', tenantEntity('t1') as never);
  draft.put('endpoint/e1', endpointEntity('t1', 'e1') as never);
  draft.put('tenant/t0', null);
  assert.deepEqual(['t0', 't1'].map(name), [undefined, 'tenants/t1']);
  assert.equal(draft.snapshot().endpointCount('t1'), 1);
  draft.put('endpoint/e1', null);
  const gone = ['tenant/t0', 'tenant/t1', 'endpoint/e1'];
  assert.deepEqual(gone.map(draft.knowsDeleted), [true, false, true]);
  assert.deepEqual(gone.map(config.knowsDeleted), [false, false, false]);
  assert.deepEqual(plain(config.snapshot()), before);
  config.apply(configRecord('tenant/t2', 0, 3, tenantEntity('t2')).placed(2));
  assert.equal(name('t2'), undefined);
  assert.equal(config.snapshot().tenant('t1'), undefined);
  assert.equal(config.snapshot().tenant('t2')?.tenant?.name, 'tenants/t2');
});
