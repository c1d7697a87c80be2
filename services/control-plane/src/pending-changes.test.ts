import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { recordingLogger } from '@postrider/runtime';
import { createPendingChanges } from './pending-changes.ts';
import type { Change, ConfigWriter } from './config-writer.ts';

/** A writer that refuses some changes; observe `done`. */
function scene() {
  const clock = createFakeClock();
  const log = recordingLogger();
  const done: string[] = [];
  const refused = new Set<string>();
  let now = '';
  const change = async (_actor: string, apply: (change: Change) => unknown): Promise<unknown> => {
    await Promise.resolve();
    apply({} as Change);
    if (refused.has(now)) throw new Error('cannot be written');
    return done.push(now);
  };
  const writer = { change } as Pick<ConfigWriter, 'change'>;
  const changes = createPendingChanges({ writer, clock, log, actor: 'me' });
  const want = (key: string, what = key): void => changes.want(key, () => (now = what));
  return { clock, log, done, refused, want, changes };
}

test('what cannot be written is tried again, and is in nobody’s way meanwhile', async () => {
  const { clock, log, done, refused, want } = scene();
  refused.add('a');
  for (const key of ['a', 'b', 'c']) want(key);
  await clock.advanceUntil(() => done.length === 2, 'the others are written');
  assert.deepEqual(done, ['b', 'c']);
  refused.clear();
  await clock.advanceUntil(() => done.length === 3, 'it is written, too');
  assert.equal(done[2], 'a');
  assert.ok(log.lines.length >= 1);
});

test('a change that takes the place of one that is being written is written as well', async () => {
  const { clock, done, want } = scene();
  want('a', 'first');
  want('a', 'second');
  await clock.advanceUntil(() => done.includes('second'), 'the second is written');
  assert.deepEqual(done, ['first', 'second']);
});

test('a change that takes the place of one that cannot be written is written in its place', async () => {
  const { clock, done, refused, want } = scene();
  refused.add('first');
  want('a', 'first');
  want('a', 'second');
  await clock.advanceUntil(() => done.length === 1, 'the second is written');
  assert.deepEqual(done, ['second']);
});

test('closed, it tries no more', async () => {
  const { clock, log, refused, want, changes } = scene();
  refused.add('a');
  want('a');
  await clock.advanceUntil(() => log.lines.length === 1, 'it was refused');
  changes[Symbol.dispose]();
  await clock.advance(3_600_000);
  want('b');
  await clock.advance(1_000);
  assert.equal(log.lines.length, 1);
});
