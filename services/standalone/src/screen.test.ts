import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { createScreen } from './screen.ts';

/** A screen on a stream that keeps what was written. */
function recorded(isTTY: boolean) {
  let written = '';
  const write = (chunk: Buffer, _encoding: string, done: () => void): void => {
    written += String(chunk);
    done();
  };
  const output = Object.assign(new Writable({ write }), { isTTY });
  return { screen: createScreen(output), text: () => written };
}

const clearLine = '\r\u001b[K';

test('away from a terminal nothing is coloured, and a step has a line at its beginning and its end', async () => {
  const { screen, text } = recorded(false);
  screen.line(screen.paint('red', 'a line'));
  assert.equal(
    await screen.step('Kafka', async (say) => {
      say('downloading');
      return 7;
    }),
    7,
  );
  assert.match(text(), /^a line\nKafka …\n {2}downloading\nKafka: \d+\.\d s\n$/);
  assert.deepEqual(
    screen.finished.map(({ what }) => what),
    ['Kafka'],
  );
});

test('on a terminal a step has one line that shows what is being done, and goes', async () => {
  const { screen, text } = recorded(true);
  await screen.step('Kafka', async (say) => say('downloading'));
  const written = text();
  assert.ok(!written.includes('\n'));
  assert.match(written, /Kafka: downloading … 0\.0 s/);
  assert.ok(written.endsWith(clearLine));
});

test('a line that comes during a step on a terminal does not run into the step', async () => {
  const { screen, text } = recorded(true);
  await screen.step('Kafka', async () => screen.line('news'));
  const [before, after] = text().split(`${clearLine}news\n${clearLine}`);
  assert.match(stripVTControlCharacters(before ?? ''), /Kafka … 0\.0 s$/);
  assert.match(stripVTControlCharacters(after ?? ''), /^Kafka … 0\.0 s/);
});

test('a step that fails says so and rejects', async () => {
  for (const isTTY of [true, false]) {
    const { screen, text } = recorded(isTTY);
    await assert.rejects(
      screen.step('Kafka', async () => Promise.reject(new Error('no memory'))),
      /no memory/,
    );
    assert.match(text(), /Kafka: failed after \d+\.\d s\n/);
    assert.deepEqual(screen.finished, []);
  }
});
