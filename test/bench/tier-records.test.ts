import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery, Outcome, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { DELIVERY_HEADER } from '@postrider/kafka';
import { whatOf } from './tier-records.ts';

const ids = { deliveryId: 'dlv_1', webhookId: 'msg_1', tenant: 't', endpointId: 'ep_1' };
const row = (changes: Parameters<typeof Delivery.fromPartial>[0]) => ({
  value: Buffer.from('{}'),
  headers: { [DELIVERY_HEADER]: Buffer.from(Delivery.encode(Delivery.fromPartial({ ...ids, ...changes })).finish()) },
});

test('a row tells why it waits and what came before it, a tombstone that it is one', () => {
  const last = { outcome: Outcome.UNREACHABLE, status: 0, code: 'connection_refused' };
  assert.equal(whatOf({ value: null, headers: {} }), 'tombstone');
  assert.equal(whatOf(row({ waitReason: WaitReason.RETRY, last })), `${WaitReason.RETRY} after connection_refused`);
  assert.equal(whatOf(row({ waitReason: WaitReason.LANE_FULL })), `${WaitReason.LANE_FULL} without an attempt`);
});
