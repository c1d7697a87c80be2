import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { isFinalStatus, isSuccessStatus, validateStatusPolicy } from './status-policy.ts';

type Range = [first: number, last?: number];

function policy(success: Range[], final: Range[] = []): StatusPolicy {
  const ranges = (list: Range[]) => list.map(([first, last]) => ({ first, last: last ?? 0 }));
  return { success: ranges(success), final: ranges(final) };
}

test('200–299 succeed and nothing is final where policy says nothing', () => {
  for (const none of [undefined, policy([])]) {
    for (let status = 100; status <= 599; status++) {
      assert.equal(isSuccessStatus(none, status), status >= 200 && status <= 299);
      assert.equal(isFinalStatus(none, status), false);
    }
  }
});

test('ranges include both ends, and a last of 0 means the first', () => {
  const some = policy([[200], [202, 204]], [[400, 403], [422]]);
  const success = [200, 202, 203, 204];
  const final = [400, 401, 402, 403, 422];
  for (let status = 100; status <= 599; status++) {
    assert.equal(isSuccessStatus(some, status), success.includes(status), String(status));
    assert.equal(isFinalStatus(some, status), final.includes(status), String(status));
  }
});

test('policies within the bounds are allowed', () => {
  for (const good of [policy([]), policy([[100, 409]]), policy([[200, 299]], [[300, 599]]), policy([], [[410]])]) {
    assert.deepEqual(validateStatusPolicy(good), []);
  }
  assert.deepEqual(validateStatusPolicy(undefined), []);
});

test('policies out of bounds are refused, naming the range', () => {
  const fields = (bad: StatusPolicy) => validateStatusPolicy(bad, 'p').map(({ field }) => field);
  assert.deepEqual(fields(policy([[99], [600], [550, 600], [299, 200]])), [
    'p.success[0]',
    'p.success[1]',
    'p.success[2]',
    'p.success[3]',
  ]);
  assert.deepEqual(fields(policy([[Number.NaN]])), ['p.success[0]']);
  assert.deepEqual(fields(policy([], [[0]])), ['p.final[0]']);
  assert.deepEqual(fields(policy([[400, 420]])), ['p.success']);
  assert.deepEqual(fields(policy([[200, 300]], [[300, 400]])), ['p.final']);
  assert.deepEqual(fields(policy(Array.from({ length: 65 }, () => [200] as Range))), ['p.success']);
});
