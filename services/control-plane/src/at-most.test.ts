import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPostriderError } from '@postrider/core';
import { atMost } from './at-most.ts';

test('beyond the bound work is refused until some has ended, well or not', async () => {
  const running: PromiseWithResolvers<string>[] = [];
  const work = atMost(
    2,
    (text: string) => {
      const one = Promise.withResolvers<string>();
      running.push(one);
      return one.promise.then((end) => text + end);
    },
    'later',
  );
  const refused = () => assert.rejects(work('x'), (error) => isPostriderError(error, 'unavailable'));
  const [first, second] = [work('a'), work('b')];
  await refused();
  running[0]?.resolve('!');
  assert.equal(await first, 'a!');
  const third = work('c');
  await refused();
  running[1]?.reject(new Error('broken'));
  await assert.rejects(second, /broken/);
  const fourth = work('d');
  running[2]?.resolve('?');
  running[3]?.resolve('?');
  assert.deepEqual(await Promise.all([third, fourth]), ['c?', 'd?']);
});
