import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnswering } from './answering.ts';
import { limits } from './limits.ts';

const { unansweredQuietMs: quietMs, unansweredAfterMs: longMs } = limits;

test('it answers from its first answer on, and before that nobody knows', () => {
  const answering = createAnswering();
  assert.equal(answering.says(0), 'unknown');
  answering.asked(0);
  assert.equal(answering.says(quietMs - 1), 'unknown');
  answering.answered();
  assert.equal(answering.says(10 * quietMs), 'answers');
});

test('requests wait for it from a quarter of a second after the first since its last answer, until it answers', () => {
  const answering = createAnswering();
  answering.answered();
  answering.asked(1_000);
  answering.asked(1_000 + quietMs - 1);
  assert.equal(answering.says(1_000 + quietMs - 1), 'answers');
  assert.equal(answering.says(1_000 + quietMs), 'unanswered');
  assert.deepEqual([answering.isQuiet(2_000, 2), answering.isQuiet(2_000, 3)], [true, false]);
  answering.answered();
  assert.equal(answering.says(2_000), 'answers');
  answering.asked(5_000);
  assert.equal(answering.says(5_000 + quietMs - 1), 'answers');
});

test('who let a request wait in vain is waited for until it answers, however long ago that was', () => {
  const answering = createAnswering();
  answering.asked(0);
  answering.unanswered(longMs);
  assert.equal(answering.says(3_600_000), 'unanswered');
  answering.answered();
  assert.equal(answering.says(3_600_000), 'answers');
});

test('what is refused at once, or not asked at all, keeps nothing waiting and tells of no answer', () => {
  const answering = createAnswering();
  answering.asked(0);
  answering.unanswered(longMs - 1);
  assert.equal(answering.says(10_000), 'unknown');
  answering.asked(10_000);
  answering.notAsked();
  assert.equal(answering.says(20_000), 'unknown');
});

test('who waited in vain and is refused at once then is not known to answer any more', () => {
  const answering = createAnswering();
  answering.answered();
  answering.asked(0);
  answering.unanswered(longMs);
  answering.asked(1);
  answering.unanswered(1);
  assert.equal(answering.says(10_000), 'unknown');
});
