import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { decodeEvent } from './cloud-event.ts';
import { limits } from './limits.ts';
import { encodeOperation, type OperationalEvent } from './operations.ts';

const facts = { tenant: 'acme', endpointId: 'ep_1', deliveryId: 'dlv_1', runId: '', time: Date.UTC(2026, 10, 21) };
const gone: OperationalEvent = { ...facts, type: 'postrider.endpoint.gone', endpointRevision: '17', attempt: 3 };
const stopped: OperationalEvent = {
  ...facts,
  ...{ type: 'postrider.lane.stopped', reason: DeadReason.EXHAUSTED, orderingKeyHash: '00000000000000ff' },
};
const idOf = (event: OperationalEvent): string => encodeOperation(event).headers['ce_id']?.toString() ?? '';

test('an operational event is a CloudEvent that any reader of events understands', () => {
  for (const event of [gone, stopped]) {
    const { key, value, headers } = encodeOperation(event);
    const record = { topic: 'postrider.operations', partition: 0, offset: 0, key, value, headers };
    const decoded = decodeEvent(record, { bodyBytesMax: limits.bodyBytesMax });
    assert.ok(decoded.kind === 'event', JSON.stringify(decoded));
    assert.equal(decoded.mode, 'binary');
    assert.equal(decoded.tenant, 'acme');
    assert.equal(decoded.attributes.type, event.type);
    assert.equal(decoded.attributes.subject, 'ep_1');
    assert.equal(decoded.attributes.time, '2026-11-21T00:00:00.000Z');
    assert.equal(key.toString(), 'ep_1');
  }
  assert.deepEqual(JSON.parse(encodeOperation(gone).value.toString()), {
    ...{ tenant: 'acme', endpointId: 'ep_1', deliveryId: 'dlv_1', runId: '' },
    ...{ endpointRevision: '17', attempt: 3 },
  });
});

test('copies of one event bear one id, whatever delivery they were written for; another occasion bears another', () => {
  assert.equal(idOf({ ...gone, deliveryId: 'dlv_2', attempt: 1, time: 0 }), idOf(gone));
  assert.equal(idOf({ ...stopped, time: 0 }), idOf(stopped));
  const others = [gone, { ...gone, endpointRevision: '18' }, { ...gone, endpointId: 'ep_2' }, stopped];
  const ids = new Set([...others, { ...stopped, deliveryId: 'dlv_2' }, { ...stopped, runId: 'run_1' }].map(idOf));
  assert.equal(ids.size, 6);
});
