import assert from 'node:assert/strict';
import { test } from 'node:test';
import { movedToOld } from '../../../test/support/moved-to-old.ts';

/** Sixty-four wait at any time, each for what holds some kilobytes; with each that comes the oldest ends. */
const work = (add: string): string => `
  import { createWaiters } from ${JSON.stringify(new URL('waiters.ts', import.meta.url).href)};
  const waiters = createWaiters({ after: () => () => {} });
  const set = new Set();
  const flags = [];
  for (let at = 0; at < 100_000; at += 1) {
    const flag = { at, held: false, of: Array.from({ length: 100 }, (_, n) => ({ n, at })) };
    ${add}
    flags.push(flag);
    if (flags.length < 64) continue;
    flags.shift().held = true;
    waiters.check();
    for (const one of set) if (one().held) set.delete(one);
    if (at % 1_000 === 0) await null;
    if (at % 20_000 === 0) gc();
  }`;

test('what was waited for is forgotten with it', async () => {
  assert.ok((await movedToOld(work('void waiters.wait(() => flag.held, 1);'))) < 0.03);
  // Otherwise the figure above would prove nothing.
  assert.ok((await movedToOld(work('set.add(() => flag);'))) > 0.1);
});
