import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createConcurrencyLimit, type ConcurrencyLimit } from './concurrency-limit.ts';

const most = 16;

/** All that is in flight is answered, and for each answer as many more start as may. */
function answerAll(limit: ConcurrencyLimit): number {
  for (let left = limit.current; left > 0; left -= 1) limit.answered(limit.current, most);
  return limit.current;
}

test('from one request the limit doubles with each round of answers, up to what is allowed', () => {
  const limit = createConcurrencyLimit();
  assert.deepEqual([limit.current, ...Array.from({ length: 5 }, () => answerAll(limit))], [1, 2, 4, 8, 16, 16]);
});

test('an endpoint that is sent little earns nothing', () => {
  const limit = createConcurrencyLimit();
  answerAll(limit);
  for (let i = 0; i < 100; i += 1) limit.answered(1, most);
  assert.equal(limit.current, 2);
});

test('overload halves once for what was in flight together, and then the limit grows by one a round', () => {
  const limit = createConcurrencyLimit();
  while (answerAll(limit) < most);
  for (let left = most; left > 0; left -= 1) limit.overloaded(left);
  assert.equal(limit.current, 8);
  assert.deepEqual([answerAll(limit), answerAll(limit)], [8, 9]);
  limit.overloaded(1);
  limit.overloaded(1);
  limit.overloaded(1);
  limit.overloaded(1);
  assert.equal(limit.current, 1);
});

test('whatever ends how, the limit stays between one and what is allowed', () => {
  const ending = fc.constantFrom('answered', 'overloaded', 'ended');
  fc.assert(
    fc.property(fc.array(fc.tuple(ending, fc.nat(300))), fc.integer({ min: 1, max: 256 }), (endings, allowed) => {
      const limit = createConcurrencyLimit();
      for (const [how, inFlight] of endings) {
        limit[how as 'answered'](inFlight, allowed);
        assert.ok(limit.current >= 1 && limit.current <= allowed);
      }
    }),
  );
});
