import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { deadReasonNumber, deadReasonOf } from './dead-reason.ts';

test('a reason is what it was after it stood on the wire; an unknown one is none the less a reason', () => {
  for (const reason of [DeadReason.EXHAUSTED, DeadReason.REJECTED, DeadReason.BLOCKED, DeadReason.INTERNAL_ERROR]) {
    assert.equal(deadReasonOf(deadReasonNumber(reason)), reason);
  }
  assert.equal(deadReasonOf(99), DeadReason.EXHAUSTED);
  assert.equal(deadReasonNumber(DeadReason.UNSPECIFIED), 1);
  assert.equal(deadReasonNumber(DeadReason.UNRECOGNIZED), 1);
});
