import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { gatherLines } from './line-gatherer.ts';

function recordingSink(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const calls: string[] = [];
  const sink = { write: (lines: string) => void calls.push(lines), flushSync: () => void calls.push('flushed') };
  return { calls, lines: gatherLines(sink), pass: (ms: number) => t.mock.timers.tick(ms) };
}

test('lines are handed on together, in their order, 10 ms after the first of them', (t) => {
  const { calls, lines, pass } = recordingSink(t);
  lines.write('a\n');
  pass(9);
  lines.write('b\n');
  assert.deepEqual(calls, []);
  pass(1);
  assert.deepEqual(calls, ['a\nb\n']);
  pass(100);
  lines.write('c\n');
  pass(10);
  assert.deepEqual(calls, ['a\nb\n', 'c\n']);
});

test('what is held at the end is written before the sink ends, and only once', (t) => {
  const { calls, lines, pass } = recordingSink(t);
  lines.write('a\n');
  lines.flushSync();
  assert.deepEqual(calls, ['a\n', 'flushed']);
  lines.write('b\n');
  pass(10);
  lines.flushSync();
  assert.deepEqual(calls, ['a\n', 'flushed', 'b\n', 'flushed']);
});

test('so many lines that they are long are not held', (t) => {
  const { calls, lines, pass } = recordingSink(t);
  const line = `${'x'.repeat(999)}\n`;
  for (let number = 0; number < 40; number += 1) lines.write(line);
  assert.deepEqual(
    calls.map(({ length }) => length),
    [17_000, 17_000],
  );
  pass(10);
  assert.equal(calls.join(''), line.repeat(40));
});
