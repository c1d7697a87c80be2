import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { DeliveryKind, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { Endpoint, EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { limits, revisionReached } from '@postrider/core';
import { admissionOf } from './admission.ts';

const now = 1_800_000_000_000;
const view = { reached: (wanted: string) => revisionReached('20', wanted) };
const judge = (endpointRevision: string, cancelsBelow: bigint | null = null, age = 0) =>
  admissionOf(
    { kind: DeliveryKind.EVENT, endpointRevision, firstSeen: now - age },
    { cancelsBelow, owesSince: null, endpoint: Endpoint.fromPartial({ state: EndpointState.ENABLED }) },
    view,
    now,
  );

test('what was routed by a configuration that is read, or by none that can be read, is sent', () => {
  for (const revision of ['0', '19', '20', '', 'junk', '-1'])
    assert.deepEqual(judge(revision), { kind: 'send' }, revision);
});

test('what was routed before its endpoint was disabled without keeping it is cancelled', () => {
  const reason = CancelReason.ENDPOINT_DISABLED;
  assert.deepEqual(judge('11', 12n), { kind: 'cancel', reason });
  for (const revision of ['12', '13', '', 'junk']) assert.deepEqual(judge(revision, 12n), { kind: 'send' }, revision);
});

test('what was routed by a configuration that is not read waits, the longer the older it is, within bounds', () => {
  const waits = (age: number) => {
    const admission = judge('99999999999999999999', 12n, age);
    return admission.kind === 'wait' ? admission.until - now : null;
  };
  assert.equal(waits(0), limits.configLookMinMs);
  assert.equal(waits(-60_000), limits.configLookMinMs);
  assert.equal(waits(90_000), 90_000);
  assert.equal(waits(14 * 86_400_000), limits.configLookMaxMs);
  const unseen = { kind: DeliveryKind.EVENT, endpointRevision: '21', firstSeen: null };
  assert.deepEqual(admissionOf(unseen, undefined, view, now), {
    kind: 'wait',
    reason: WaitReason.CONFIG,
    until: now + limits.configLookMinMs,
  });
});

test('an endpoint that owes a proof is sent its verification and nothing else; one that owes none, no verification', () => {
  const admitted = (kind: DeliveryKind, state: EndpointState, owesSince: bigint | null = null) => {
    const endpoint = { cancelsBelow: null, owesSince, endpoint: Endpoint.fromPartial({ state }) };
    const admission = admissionOf({ kind, endpointRevision: '20', firstSeen: now }, endpoint, view, now);
    return admission.kind === 'send' ? 'send' : `${admission.kind} ${admission.reason}`;
  };
  const { EVENT, VERIFICATION } = DeliveryKind;
  const { ENABLED, PENDING_VERIFICATION } = EndpointState;
  assert.equal(admitted(VERIFICATION, PENDING_VERIFICATION), 'send');
  assert.equal(admitted(EVENT, PENDING_VERIFICATION), `wait ${WaitReason.DISABLED}`);
  assert.equal(admitted(EVENT, ENABLED), 'send');
  assert.equal(admitted(VERIFICATION, ENABLED), `cancel ${CancelReason.NOT_NEEDED}`);
  assert.equal(admitted(VERIFICATION, PENDING_VERIFICATION, 20n), 'send');
  assert.equal(admitted(VERIFICATION, PENDING_VERIFICATION, 21n), `cancel ${CancelReason.NOT_NEEDED}`, 'asked anew');
  assert.equal(admitted(EVENT, PENDING_VERIFICATION, 21n), `wait ${WaitReason.DISABLED}`);
});
