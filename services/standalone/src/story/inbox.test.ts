import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInbox } from './inbox.ts';

const even = (n: number): string | null => (n % 2 === 0 ? `got ${n}` : null);

test('what is there already is found, and so is what comes later', async () => {
  const inbox = createInbox<number>(new AbortController().signal);
  inbox.push(1);
  inbox.push(2);
  assert.equal(await inbox.find('an even one', even), 'got 2');
  const five = inbox.find('a five', (n) => (n === 5 ? n : null));
  inbox.push(4);
  inbox.push(5);
  assert.equal(await five, 5);
});

test('what never comes is named with the reason for giving up', async () => {
  const stop = new AbortController();
  const inbox = createInbox<number>(stop.signal);
  const found = inbox.find('the request', even);
  stop.abort(new Error('60 s have passed'));
  await assert.rejects(found, /^Error: the request did not arrive: 60 s have passed$/);
  await assert.rejects(inbox.find('the next', even), /the next did not arrive/);
});
