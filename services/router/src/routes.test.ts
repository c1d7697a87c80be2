/** The rules of routing over a configuration that a test makes throw. Observed: what would be written, and what is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Quarantined, QuarantineReason } from '@postrider/contract/postrider/v1/dead_letter';
import { TenantState } from '@postrider/contract/postrider/v1/tenant';
import { QUARANTINED_HEADER, type IncomingRecord } from '@postrider/kafka';
import { createFakeClock } from '@postrider/kafka/testing';
import { createMetrics, recordingLogger } from '@postrider/runtime';
import { routerEvents } from './events.ts';
import { createRoutes, type RoutesOptions } from './routes.ts';

const fault = (stage: string) => (): never => {
  throw new Error(`planted in ${stage}`);
};

const snapshot = {
  tenant: () => ({}),
  endpoint: () => ({ endpoint: { uid: 'ep_1', state: 'ENDPOINT_STATE_ENABLED', revision: '1' } }),
  unreadable: () => undefined,
  revision: '1',
  layout: { generation: 1, partitions: 4 },
};

/** Routes over a configuration in which everything works, but for `changes`. */
function create(changes: { readonly snapshot?: object; readonly match?: () => never } = {}) {
  const log = recordingLogger();
  const metrics = createMetrics();
  const view = { snapshot: () => ({ ...snapshot, ...changes.snapshot }) };
  const match = changes.match ?? (() => [{ endpointUid: 'ep_1', subscriptionUids: ['sub_1'] }]);
  const route = createRoutes({
    config: { topicPrefix: 'postrider.', bodyBytesMax: 1_000 },
    cluster: 'c',
    clock: createFakeClock(),
    view: view as unknown as RoutesOptions['view'],
    subscriptions: { match } as unknown as RoutesOptions['subscriptions'],
    events: routerEvents(log, metrics),
  });
  return { route, log, metrics };
}

const text = (value: string) => Buffer.from(value);
const event: IncomingRecord = {
  ...{ topic: 'postrider.events', partition: 3, offset: 17, timestamp: 0, key: text('k'), value: text('{}') },
  headers: {
    ce_specversion: text('1.0'),
    ce_id: text('e1'),
    ce_source: text('/s'),
    ce_type: text('t'),
    ce_tenant: text('acme'),
  },
};

/** What stands on `quarantine` in place of a record. */
function quarantined(record: { readonly headers?: IncomingRecord['headers'] }): Quarantined {
  return Quarantined.decode(record.headers?.[QUARANTINED_HEADER] as Buffer);
}

test('an event that nothing is wrong with becomes a delivery', () => {
  const routing = create().route(event);
  assert.equal(routing.count, 1);
  assert.equal(routing.record(0).topic, 'postrider.deliveries');
});

test('an event of a tenant that is being deleted is put aside as one of a tenant that is not there', () => {
  const leaving = { tenant: { state: TenantState.DELETING } };
  const record = create({ snapshot: { tenant: () => leaving } })
    .route(event)
    .record(0);
  assert.equal(record.topic, 'postrider.quarantine');
  assert.equal(quarantined(record).reason, QuarantineReason.TENANT_UNKNOWN);
});

for (const [stage, changes] of [
  ['the tenant', { snapshot: { tenant: fault('the tenant') } }],
  ['matching', { match: fault('matching') }],
  ['the endpoint', { snapshot: { endpoint: fault('the endpoint') } }],
  ['the layout', { snapshot: { layout: { generation: 1, partitions: -1 } } }],
] as const) {
  test(`a fault in ${stage} quarantines its event alone, with the reason, a counter and a log line`, async () => {
    const { route, log, metrics } = create(changes);
    const record = route(event).record(0);
    assert.equal(record.topic, 'postrider.quarantine');
    assert.deepEqual(record.value, event.value);
    assert.equal(quarantined(record).reason, QuarantineReason.INTERNAL_ERROR);
    assert.equal(quarantined(record).source?.offset, 17n);
    assert.ok(log.lines.some(({ message }) => message === 'event quarantined'));
    assert.match(await metrics.text(), /postrider_router_quarantined\S*INTERNAL_ERROR/);
  });
}

test('an event that cannot even be copied is quarantined all the same: what is left is where it stands', () => {
  const poisoned = { ...event };
  Object.defineProperty(poisoned, 'headers', { get: fault('the headers'), enumerable: true });
  const routing = create().route(poisoned);
  for (const record of [routing.record(0), routing.tooLarge()]) {
    assert.equal(record.topic, 'postrider.quarantine');
    assert.deepEqual(record.value, text(''));
    assert.equal(quarantined(record).valueDropped, true);
    assert.deepEqual(
      [quarantined(record).source?.topic, quarantined(record).source?.partition, quarantined(record).source?.offset],
      ['postrider.events', 3, 17n],
    );
  }
});
