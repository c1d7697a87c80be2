import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { plainEnum } from './plain-enum.ts';

test('people read enum values as the words of the glossary', () => {
  assert.equal(plainEnum(Outcome.TIMED_OUT, 'OUTCOME'), 'timed-out');
  assert.equal(plainEnum(DeadReason.INTERNAL_ERROR, 'DEAD_REASON'), 'internal-error');
  assert.equal(plainEnum(Outcome.UNRECOGNIZED, 'OUTCOME'), 'unrecognized');
});
