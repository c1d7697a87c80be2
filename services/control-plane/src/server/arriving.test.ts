import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createArriving } from './arriving.ts';

/** Senders whose requests do not arrive, and whose of them were ended, in which order. */
function world(most: number) {
  const arriving = createArriving(most);
  const ended: string[] = [];
  return { ended, begin: (sender: string, which: string) => arriving.add(sender, () => void ended.push(which)) };
}

test('one too many ends the oldest of whoever has most on the way', () => {
  const { ended, begin } = world(4);
  begin('calm', 'calm 1');
  for (const which of ['a', 'b', 'c', 'd', 'e']) begin('flood', which);
  begin('another', 'another 1');
  assert.deepEqual(ended, ['a', 'b', 'c']);
});

test('among senders of one each the first goes', () => {
  const { ended, begin } = world(2);
  for (const sender of ['a', 'b', 'c', 'd']) begin(sender, sender);
  assert.deepEqual(ended, ['a', 'b']);
});

test('what has arrived, or was ended, counts no more, and is told once', () => {
  const { ended, begin } = world(2);
  const arrived = begin('a', 'a 1');
  arrived();
  arrived();
  const over = begin('a', 'a 2');
  begin('a', 'a 3');
  begin('a', 'a 4');
  assert.deepEqual(ended, ['a 2']);
  over();
  begin('a', 'a 5');
  assert.deepEqual(ended, ['a 2', 'a 3']);
});
