import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEndpointHolds } from './endpoint-holds.ts';
import { limits } from './limits.ts';

const hold = (endpointRevision: string, endpointId = 'ep_1') => ({ endpointId, endpointRevision });

test('an endpoint is held until its configuration is newer than the one that was answered 410', () => {
  const holds = createEndpointHolds();
  assert.equal(holds.isHeld('ep_1', '9'), false);
  assert.equal(holds.begin(hold('9')), true);
  for (const revision of ['8', '9', 'junk', '']) assert.equal(holds.isHeld('ep_1', revision), true, revision);
  for (const revision of ['10', '99999999999999999999']) assert.equal(holds.isHeld('ep_1', revision), false, revision);
  assert.equal(holds.isHeld('ep_2', '9'), false);
});

test('one hold is news once; a 410 of a newer configuration begins another, one of an older does not', () => {
  const holds = createEndpointHolds();
  assert.deepEqual(
    ['9', '9', '8', '10', '9'].map((revision) => holds.begin(hold(revision))),
    [true, false, false, true, false],
  );
  assert.equal(holds.isHeld('ep_1', '10'), true);
});

test('only what is told is carried, and by whoever goes on from it held and not told again', () => {
  const holds = createEndpointHolds();
  holds.begin(hold('9'));
  holds.begin(hold('5', 'ep_2'));
  assert.deepEqual([holds.dirty, holds.encode()], [false, []]);
  holds.told(hold('8'));
  assert.equal(holds.dirty, false);
  holds.told(hold('9'));
  assert.equal(holds.dirty, true);
  assert.deepEqual(holds.encode(), [hold('9')]);
  assert.equal(holds.dirty, false);
  const next = createEndpointHolds(holds.encode());
  assert.deepEqual([next.dirty, next.begin(hold('9')), next.isHeld('ep_1', '9')], [false, false, true]);
  assert.deepEqual([next.isHeld('ep_2', '5'), next.begin(hold('5', 'ep_2'))], [false, true]);
});

test('a hold that is over is forgotten', () => {
  const holds = createEndpointHolds([hold('9'), hold('9', 'ep_2')]);
  holds.prune(({ endpointId }) => endpointId === 'ep_2');
  assert.equal(holds.dirty, true);
  assert.deepEqual(holds.encode(), [hold('9')]);
  assert.equal(holds.isHeld('ep_2', '1'), false);
});

test('beyond the bound a hold still holds, and is not carried', () => {
  const holds = createEndpointHolds();
  for (let i = 0; i <= limits.holdsToldMax; i += 1) {
    holds.begin(hold('1', `ep_${i}`));
    holds.told(hold('1', `ep_${i}`));
  }
  assert.equal(holds.encode().length, limits.holdsToldMax);
  assert.equal(holds.isHeld(`ep_${limits.holdsToldMax}`, '1'), true);
  holds.prune(({ endpointId }) => endpointId === 'ep_0');
  holds.told(hold('1', `ep_${limits.holdsToldMax}`));
  assert.equal(holds.encode().length, limits.holdsToldMax);
});
