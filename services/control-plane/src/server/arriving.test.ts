/** Double: the clock. Observed: whose requests are ended, when, and in which order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { movedToOld } from '../../../../test/support/moved-to-old.ts';
import { createFakeClock } from '@postrider/kafka/testing';
import { serverLimits } from '../server-limits.ts';
import { createArriving } from './arriving.ts';

function world(mostSlow: number, most = 100) {
  const clock = createFakeClock();
  const arriving = createArriving({ clock, most, mostSlow });
  const ended: string[] = [];
  return {
    ...{ clock, ended, begin: (sender: string, which: string) => arriving.add(sender, () => void ended.push(which)) },
    slow: () => clock.advance(serverLimits.requestSlowMs),
  };
}

test('too many that do not arrive: the oldest of whoever has most on the way go, down to what there may be', async () => {
  const { ended, begin, slow } = world(4);
  begin('calm', 'calm 1');
  for (const which of ['a', 'b', 'c', 'd', 'e']) begin('flood', which);
  begin('another', 'another 1');
  assert.deepEqual(ended, []);
  await slow();
  assert.deepEqual(ended, ['a', 'b', 'c']);
});

test('any number that comes at once and arrives soon is let be', async () => {
  const { clock, ended, begin, slow } = world(2);
  const arrived = Array.from({ length: 50 }, (_, index) => begin('busy', `${index}`));
  await clock.advance(serverLimits.requestSlowMs / 2);
  for (const one of arrived) one();
  begin('busy', 'late 1');
  begin('busy', 'late 2');
  await slow();
  assert.deepEqual(ended, []);
  begin('busy', 'late 3');
  await clock.advance(serverLimits.requestSlowMs / 2);
  assert.deepEqual(ended, [], 'the others are slow by now, and there is one too many for a moment only');
  await slow();
  assert.deepEqual(ended, ['late 1']);
});

test('as many as may be slow are let be, however many others are on the way', async () => {
  const { clock, ended, begin } = world(2);
  begin('calm', 'calm 1');
  begin('calm', 'calm 2');
  await clock.advance(serverLimits.requestSlowMs / 2);
  const arrived = Array.from({ length: 50 }, (_, index) => begin('busy', `${index}`));
  await clock.advance(serverLimits.requestSlowMs / 2);
  for (const one of arrived) one();
  for (let index = 0; index < 50; index += 1) begin('busy', `${index} more`);
  await clock.advance(serverLimits.requestSlowMs / 2);
  assert.deepEqual(ended, [], 'only two are slow');
});

test('beyond what there may be at all the oldest of the largest sender goes at once', () => {
  const { ended, begin } = world(2, 4);
  for (const sender of ['a', 'b', 'b', 'c', 'd', 'e']) begin(sender, `${sender} of ${ended.length}`);
  assert.deepEqual(ended, ['b of 0', 'a of 0']);
});

test('what has arrived, or was ended, counts no more, and is told once', async () => {
  const { ended, begin, slow } = world(1);
  const arrived = begin('a', 'a 1');
  arrived();
  arrived();
  const over = begin('a', 'a 2');
  begin('a', 'a 3');
  await slow();
  assert.deepEqual(ended, ['a 2']);
  over();
  begin('a', 'a 4');
  await slow();
  assert.deepEqual(ended, ['a 2', 'a 3']);
});

test('a call that has arrived is forgotten', async () => {
  const script = `
    import { createArriving } from ${JSON.stringify(new URL('arriving.ts', import.meta.url).href)};
    const arriving = createArriving({ clock: { after() {}, monotonic: () => 0 }, most: 1_000 });
    const calls = [];
    for (let at = 0; at < 100_000; at += 1) {
      const call = Array.from({ length: 100 }, (_, n) => ({ n, at }));
      calls.push(arriving.add('busy', () => call.length));
      if (calls.length > 64) calls.shift()();
      if (at % 20_000 === 0) gc();
    }`;
  assert.ok((await movedToOld(script)) < 0.03);
});
