import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatherLines } from './line-gatherer.ts';

const nextTurn = () => new Promise((resolve) => void setImmediate(resolve));

function recordingSink() {
  const calls: string[] = [];
  const sink = { write: (lines: string) => void calls.push(lines), flushSync: () => void calls.push('flushed') };
  return { calls, lines: gatherLines(sink) };
}

test('lines of one turn of the loop are handed on together, in their order', async () => {
  const { calls, lines } = recordingSink();
  lines.write('a\n');
  lines.write('b\n');
  await Promise.resolve();
  lines.write('c\n');
  assert.deepEqual(calls, []);
  await nextTurn();
  assert.deepEqual(calls, ['a\nb\nc\n']);
  lines.write('d\n');
  await nextTurn();
  assert.deepEqual(calls, ['a\nb\nc\n', 'd\n']);
});

test('what is held at the end is written before the sink ends, and only once', async () => {
  const { calls, lines } = recordingSink();
  lines.write('a\n');
  lines.flushSync();
  assert.deepEqual(calls, ['a\n', 'flushed']);
  lines.write('b\n');
  await nextTurn();
  lines.flushSync();
  assert.deepEqual(calls, ['a\n', 'flushed', 'b\n', 'flushed']);
});

test('so many lines that they are long are not held to the end of the turn', async () => {
  const { calls, lines } = recordingSink();
  const line = `${'x'.repeat(999)}\n`;
  for (let number = 0; number < 20; number += 1) lines.write(line);
  assert.deepEqual(
    calls.map(({ length }) => length),
    [9_000, 9_000],
  );
  await nextTurn();
  assert.equal(calls.join(''), line.repeat(20));
});
