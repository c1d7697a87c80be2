import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Dispatcher,
  DispatcherStatus,
  ListDispatchersResponse,
} from '@postrider/contract/postrider/v1/dispatcher_service';
import { Pause } from '@postrider/contract/postrider/v1/pause';
import { ListKeyEncryptionKeysResponse } from '@postrider/contract/postrider/v1/secret_service';
import { limits } from '@postrider/core';
import { findingsOf } from './findings.ts';
import type { OwnerOfPartition } from '@postrider/kafka';
import type { Facts, KafkaFacts, PlaneFacts } from './facts.ts';

const now = 1_700_000_000_000;
const ok = <T>(value: T) => ({ ok: true, value }) as const;
const failed = { ok: false, problem: 'no broker' } as const;
const owner = (fields: Partial<OwnerOfPartition> = {}): OwnerOfPartition => ({
  ...{
    partition: 0,
    processId: 'a',
    address: 'a:1',
    released: false,
    progressAt: now,
    watermarks: new Map(),
    late: [],
  },
  ...fields,
});
const healthyKafka: KafkaFacts = {
  brokers: 3,
  topicProblems: [],
  layout: ok({ partitions: 1, writer: 'plane' }),
  dispatchers: ok({ state: 'stable', members: ['a'] }),
  routers: ok({ state: 'stable', members: ['r'] }),
  owners: ok([owner()]),
  lags: ok([{ partition: 0, records: 10 }]),
  sourceLags: ok([{ topic: 'postrider.events', partition: 0, records: 10 }]),
};
const healthyStatus = DispatcherStatus.fromPartial({
  ...{ version: '1', time: new Date(now), waiting: 1n, waitingMax: 100n, oldestDueTime: new Date(now - 1_000) },
});
const healthyOne = Dispatcher.fromPartial({
  name: 'dispatchers/a',
  partitions: [0],
  member: true,
  status: healthyStatus,
});
const plane = (one: Partial<Dispatcher> = {}, fields: Partial<PlaneFacts> = {}): Facts['plane'] =>
  ok({
    dispatchers: ListDispatchersResponse.fromPartial({
      dispatchers: [{ ...healthyOne, ...one }],
      serverTime: new Date(now),
    }),
    pauses: [],
    certificateEnds: null,
    keys: ListKeyEncryptionKeysResponse.fromPartial({}),
    ...fields,
  });
const kafka = (fields: Partial<KafkaFacts> = {}): Facts['kafka'] => ok({ ...healthyKafka, ...fields });
const facts = (fields: Partial<Facts> = {}): Facts => ({
  now,
  version: '1',
  kafka: kafka(),
  plane: plane(),
  ...fields,
});
const status = (fields: Partial<DispatcherStatus>): Facts['plane'] =>
  plane({ status: { ...healthyStatus, ...fields } });
const drain = { name: 'dispatchers/a', reason: 'its disk', actor: 'ops', createTime: new Date(now), address: '' };
const pause = Pause.fromPartial({ name: 'tenants/acme', reason: 'a flood', actor: 'ops' });

/** One is drained; so is the other if a drain is given. */
const twoDispatchers = (other: typeof drain | undefined): Facts['plane'] => {
  const b = { ...healthyOne, name: 'dispatchers/b', drain: other };
  const dispatchers = [{ ...healthyOne, drain }, b];
  return plane({}, { dispatchers: ListDispatchersResponse.fromPartial({ dispatchers, serverTime: new Date(now) }) });
};

test('a healthy installation has no finding', () => {
  assert.deepEqual(findingsOf(facts()), []);
});

const cases: readonly (readonly [code: string, severity: string, broken: Partial<Facts>, says: RegExp])[] = [
  ['kafka-unreachable', 'error', { kafka: failed }, /no broker/],
  ['topic-unfit', 'error', { kafka: kafka({ topicProblems: ['Topic x does not exist.'] }) }, /Topic x/],
  ['layout-missing', 'error', { kafka: kafka({ layout: ok(null) }) }, /no control plane has run/],
  [
    'api-certificate-ending',
    'warning',
    { plane: plane({}, { certificateEnds: new Date(now + 86_400_000) }) },
    /ends at/,
  ],
  [
    'no-dispatcher',
    'error',
    { kafka: kafka({ dispatchers: ok({ state: 'empty', members: [] }) }) },
    /nothing is delivered/,
  ],
  ['no-router', 'error', { kafka: kafka({ routers: ok({ state: 'empty', members: [] }) }) }, /not routed/],
  [
    'dispatchers-rebalancing',
    'info',
    { kafka: kafka({ dispatchers: ok({ state: 'rebalancing', members: ['a'] }) }) },
    /dividing/,
  ],
  ['partition-ownerless', 'error', { kafka: kafka({ owners: ok([owner({ released: true })]) }) }, /1 of 1 .*: 0\./],
  ['partition-ownerless', 'error', { kafka: kafka({ owners: ok([owner({ processId: null })]) }) }, /no owner/],
  ['claims-contested', 'warning', { kafka: kafka({ owners: ok([owner({ late: ['b'] })]) }) }, /b wrote there/],
  [
    'clocks-apart',
    'warning',
    { kafka: kafka({ owners: ok([owner({ progressAt: now + 90_000 })]) }) },
    /Kafka's .*90 s/,
  ],
  ['not-found-out', 'warning', { kafka: kafka({ owners: failed }) }, /owners of partitions/],
  [
    'deliveries-behind',
    'warning',
    { kafka: kafka({ lags: ok([{ partition: 3, records: limits.offsetRangeMax + 1 }]) }) },
    /3 \(10001\)/,
  ],
  ['not-found-out', 'warning', { kafka: kafka({ sourceLags: failed }) }, /lag of routers/],
  [
    'events-behind',
    'warning',
    { kafka: kafka({ sourceLags: ok([{ topic: 'orders', partition: 3, records: limits.offsetRangeMax + 1 }]) }) },
    /orders\/3 \(10001\)/,
  ],
  ['kafka-not-asked', 'warning', { kafka: undefined }, /do not know/],
  ['control-plane-dead', 'error', { plane: failed }, /control plane does not answer/],
  ['control-plane-not-asked', 'warning', { plane: undefined }, /do not know/],
  ['paused', 'warning', { plane: plane({}, { pauses: [pause] }) }, /tenants\/acme is paused until somebody.*a flood/],
  ['drained', 'warning', { plane: twoDispatchers(undefined) }, /a is drained, by ops: its disk/],
  [
    'all-drained',
    'error',
    {
      plane: twoDispatchers({ ...drain, name: 'dispatchers/b', reason: 'its node' }),
      kafka: kafka({
        dispatchers: ok({ state: 'empty', members: [] }),
        owners: ok([owner({ released: true })]),
      }),
    },
    /nothing is delivered: a by ops \(its disk\), b by ops \(its node\)/,
  ],
  ['dispatcher-silent', 'warning', { plane: plane({ problem: 'refused', status: undefined }) }, /refused/],
  ['owner-not-member', 'error', { plane: plane({ member: false }) }, /not a member/],
  ['dispatcher-troubled', 'error', { plane: status({ troubles: ['no name server answers'] }) }, /no name server/],
  ['rows-full', 'error', { plane: status({ waiting: 80n }) }, /80 .*of 100/],
  ['deliveries-late', 'warning', { plane: status({ oldestDueTime: new Date(now - 61_000) }) }, /61 s/],
  ['config-unreadable', 'warning', { plane: status({ configProblems: 2 }) }, /2 records/],
  ['breakers-open', 'info', { plane: status({ breakersOpen: 4 }) }, /4 endpoints/],
  [
    'clocks-apart',
    'warning',
    { plane: status({ time: new Date(now - 70_000), oldestDueTime: undefined }) },
    /70 s behind/,
  ],
  ['versions-differ', 'info', { plane: status({ version: '2' }) }, /is 1, dispatchers are 2/],
];

for (const [code, severity, broken, says] of cases) {
  test(`${code} is found, alone: ${says}`, () => {
    const found = findingsOf(facts(broken));
    assert.deepEqual(
      found.map((one) => [one.code, one.severity]),
      [[code, severity]],
    );
    assert.match(found[0]?.what ?? '', says);
    assert.ok((found[0]?.action ?? '').length > 20);
  });
}

test('a drained process that is gone explains nothing, and its drain can be forgotten', () => {
  const nobody = kafka({ dispatchers: ok({ state: 'empty', members: [] }) });
  const found = findingsOf(
    facts({ kafka: nobody, plane: plane({ drain, status: undefined, problem: 'refused', partitions: [] }) }),
  );
  assert.deepEqual(
    found.map(({ code, severity }) => `${code} ${severity}`),
    ['no-dispatcher error', 'drained info'],
  );
  assert.match(`${found[1]?.what} ${found[1]?.action}`, /may be gone.*"postrider dispatcher undrain a" forgets it/);
});

test('what a person has stopped is told with the command that ends it', () => {
  for (const [name, command] of [
    ['installation', 'postrider resume everything'],
    ['egressPools/partners', 'postrider resume pool partners'],
    ['tenants/acme', 'postrider resume tenant acme'],
    ['tenants/acme/endpoints/orders', 'postrider resume endpoint acme/orders'],
  ] as const) {
    const [found] = findingsOf(facts({ plane: plane({}, { pauses: [{ ...pause, name }] }) }));
    assert.equal(found?.action.split('"')[1], command);
  }
  assert.match(
    findingsOf(facts({ plane: twoDispatchers(undefined) }))[0]?.action ?? '',
    /"postrider dispatcher undrain a"/,
  );
});

test('the worst comes first', () => {
  const found = findingsOf(facts({ plane: plane({ drain }, { pauses: [pause] }), kafka: failed }));
  assert.deepEqual(
    found.map(({ severity }) => severity),
    ['error', 'error', 'warning'],
  );
});
