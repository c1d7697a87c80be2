import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tier } from '@postrider/core';
import { createFakeClock } from '@postrider/kafka/testing';
import { createTombstones } from './tombstones.ts';
import type { Known, TierBook } from './tier-book.ts';
import type { Work } from './work.ts';

/** Rows of one key, by tier and number; tombstones are acknowledged when the test says so. */
function createBurial(rows: ReadonlyMap<Tier, number>) {
  const written: { readonly tier: Tier; readonly acked: () => void }[] = [];
  const known = (tier: Tier): Known | undefined => {
    const n = rows.get(tier);
    return n === undefined ? undefined : { epoch: 5, n, row: true, read: true, acked: true, offset: n };
  };
  const book = {
    known,
    isLoaded: () => true,
    write: (tier: Tier, _key: string, _row: null, acked: () => void) => void written.push({ tier, acked }),
  } as unknown as TierBook;
  const reign = { first: true } as never;
  return { written, ...createTombstones({ book, reign, clock: createFakeClock(), ends: { live: 0, bulk: 0 } }) };
}

test('the newest row is taken away last, also when its delivery began from an older one', () => {
  const { written, bury } = createBurial(
    new Map([
      ['retry.1m', 3],
      ['retry.1h', 9],
      ['retry.14d', 4],
    ] as const),
  );
  let ended = false;
  bury({ key: 'a', tier: 'retry.1m', origin: { bulk: false, offset: 0 } } as Work, () => (ended = true));
  assert.deepEqual(
    written.map(({ tier }) => tier),
    ['retry.1m', 'retry.14d'],
  );
  for (const { acked } of written.slice()) acked();
  assert.deepEqual(written.at(-1)?.tier, 'retry.1h');
  assert.equal(ended, false);
  written.at(-1)?.acked();
  assert.equal(ended, true);
});
