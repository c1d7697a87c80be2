import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnsweringBook } from './answering-book.ts';

test('what is known of an endpoint outlasts its lane', () => {
  const book = createAnsweringBook();
  const answering = book.take('ep_1');
  answering.answered();
  book.keep({ endpointId: 'ep_1', answering });
  assert.equal(book.take('ep_1').says(0), 'answers');
  assert.equal(book.take('ep_2').says(0), 'unknown');
});

test('endpoints of one host are known by it together, and those of another are not', () => {
  const book = createAnsweringBook();
  for (let i = 0; i < 3; i += 1) book.ofHost('one').asked(0);
  assert.deepEqual([book.ofHost('one').isQuiet(1_000, 3), book.ofHost('other').isQuiet(1_000, 1)], [true, false]);
});

test('no more is kept than may be, and what was kept last stays', () => {
  const book = createAnsweringBook(10);
  for (let i = 0; i < 100; i += 1) {
    const endpointId = `ep_${i}`;
    const answering = book.take(endpointId);
    answering.answered();
    book.keep({ endpointId, answering });
  }
  const known = Array.from({ length: 100 }, (_, i) => i).filter((i) => book.take(`ep_${i}`).says(0) === 'answers');
  assert.ok(known.length >= 10 && known.length <= 20, known.join());
  assert.equal(known.at(-1), 99);
});
