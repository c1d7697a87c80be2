import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { serverLimits } from '../server-limits.ts';
import { createUnreadAnswers } from './unread-answers.ts';

function start() {
  const dropped: string[] = [];
  const clock = createFakeClock();
  const unread = createUnreadAnswers({ clock, drop: (peer) => void dropped.push(peer) });
  return { clock, dropped, unread };
}

test('an answer that is not taken in time ends its connection, one that is taken does not', async () => {
  const { clock, dropped, unread } = start();
  const taken = unread.add('quick', 1);
  unread.add('slow', 1);
  await clock.advance(serverLimits.answerTakenMs - 1);
  taken();
  taken();
  assert.deepEqual(dropped, []);
  await clock.advance(1);
  assert.deepEqual(dropped, ['slow']);
});

test('when too much is left unread, whoever has left most goes; what was taken or broken off counts no more', () => {
  const { dropped, unread } = start();
  const part = serverLimits.unreadAnswerBytesMax / 8;
  const ended = Array.from({ length: 5 }, () => unread.add('greedy', part));
  unread.add('modest', part);
  unread.add('modest', part);
  unread.add('other', part);
  assert.deepEqual(dropped, []);
  unread.add('other', 1);
  assert.deepEqual(dropped, ['greedy']);
  for (const end of ended) end();
  for (let index = 0; index < 4; index++) unread.add('modest', part);
  assert.deepEqual(dropped, ['greedy']);
  unread.add('other', part);
  assert.deepEqual(dropped, ['greedy', 'modest']);
});
