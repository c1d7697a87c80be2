import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookAgain } from './look-again.ts';
import type { Clock } from './clock.ts';

/** Looks whose answers come from `next`, on a clock that ticks when told. */
function scene(next: () => Promise<string | null>) {
  let tick = (): void => assert.fail('nothing is planned');
  let planned = 0;
  const clock: Pick<Clock, 'after'> = {
    after(_delayMs, callback) {
      planned += 1;
      tick = callback;
      return () => void (planned -= 1);
    },
  };
  const told: string[] = [];
  const looking = lookAgain({
    clock: clock as Clock,
    everyMs: 1_000,
    read: next,
    changed: (value) => told.push(value),
    trouble: (problem) => told.push(problem === null ? 'usable' : `unusable: ${problem}`),
  });
  const look = async (): Promise<void> => {
    tick();
    await new Promise((resolve) => void setImmediate(resolve));
  };
  return { told, look, looking, planned: () => planned };
}

const refused = (why: string) => Promise.reject(new Error(why));

test('what changed is told, what did not is not, and each cause of trouble once, until it is over', async () => {
  const answers = [null, 'a', 'x: broken', 'x: broken', 'x: gone', null, 'x: broken', 'b'];
  const { told, look } = scene(() => {
    const answer = answers.shift() ?? null;
    return answer?.startsWith('x: ') ? refused(answer.slice(3)) : Promise.resolve(answer);
  });
  for (const _ of Array.from({ length: answers.length })) await look();
  const wanted = ['a', 'unusable: broken', 'unusable: gone', 'usable', 'unusable: broken', 'b', 'usable'];
  assert.deepEqual(told, wanted);
});

test('there is one look at a time, and one that outlives its end tells nothing', async () => {
  let looks = 0;
  const { promise, resolve } = Promise.withResolvers<string>();
  const { told, look, looking, planned } = scene(() => {
    looks += 1;
    return promise;
  });
  await look();
  await look();
  assert.equal(looks, 1);
  looking[Symbol.dispose]();
  resolve('late');
  await new Promise((done) => void setImmediate(done));
  assert.deepEqual([told, planned()], [[], 2]);
});
