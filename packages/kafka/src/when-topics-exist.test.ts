import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock, createFakeKafka } from '../testing/index.ts';
import { whenTopicsExist } from './when-topics-exist.ts';

test('waits for topics in any order and through an outage, and says once what it waits for', async () => {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  const waiting: (readonly string[])[] = [];
  let there = false;
  const { admin } = kafka.connect();
  const { signal } = new AbortController();
  const done = whenTopicsExist(['a', 'b'], { admin, clock, signal, onWaiting: (missing) => waiting.push(missing) });
  void done.then(() => (there = true));
  await clock.advance(2_500);
  kafka.createTopic('b');
  await clock.advance(2_500);
  kafka.brokerDown();
  await clock.advance(20_000);
  kafka.createTopic('a');
  assert.equal(there, false);
  kafka.brokerUp();
  await clock.advance(20_000);
  assert.equal(there, true);
  assert.deepEqual(waiting, [['a', 'b'], ['a'], []]);
});

test('ends with the signal', async () => {
  const clock = createFakeClock();
  const stop = new AbortController();
  const { admin } = createFakeKafka({ clock }).connect();
  const done = whenTopicsExist(['a'], { admin, clock, signal: stop.signal, onWaiting: () => {} });
  const ended = assert.rejects(done, /stopped/);
  await clock.advance(1_500);
  stop.abort(new Error('stopped'));
  await ended;
});
