import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { createConfigEnd } from './config-end.ts';

function world() {
  const clock = createFakeClock();
  const asked: ((end: number) => void)[] = [];
  let read: (is: boolean) => void = () => undefined;
  const wanted: number[] = [];
  const config = createConfigEnd({
    clock,
    end: () => new Promise((resolve) => void asked.push(resolve)),
    view: {
      whenOffset: (offset) => {
        wanted.push(offset);
        return new Promise((resolve) => (read = resolve));
      },
    },
    onTrouble: (error) => assert.fail(error),
  });
  return { clock, config, asked, wanted, read: (is: boolean) => read(is) };
}

test('everything of a moment is read once what stood there when it was asked for later is read', async () => {
  const { clock, config, asked, wanted, read } = world();
  const at = clock.monotonic();
  assert.equal(config.readSince(at), false);
  assert.equal(config.readSince(at), false);
  assert.equal(asked.length, 1, 'one question at a time');
  await clock.advance(1_000);
  asked[0]?.(8);
  await clock.advance(0);
  assert.deepEqual(wanted, [7]);
  assert.equal(config.readSince(at), false);
  read(true);
  await clock.advance(0);
  assert.equal(config.readSince(at), true);
  assert.equal(config.readSince(at + 1), false, 'what was asked for before says nothing of what came later');
  assert.equal(asked.length, 2);
});

test('an end that is not read in time is asked for anew', async () => {
  const { clock, config, asked, read } = world();
  config.readSince(0);
  asked[0]?.(8);
  await clock.advance(0);
  read(false);
  await clock.advance(0);
  assert.equal(config.readSince(0), false);
  assert.equal(asked.length, 2);
});
