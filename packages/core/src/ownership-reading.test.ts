import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from './limits.ts';
import { OWNERSHIP_LOOK_BACK_MS, tellsAll } from './ownership-reading.ts';
import { encodeClaim, encodeProgress, foldOwnership, NO_EPOCH, OWNER_KEY, PROGRESS_KEY } from './ownership.ts';

interface Stored {
  readonly offset: number;
  readonly at: number;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly kind: 'claim' | 'progress';
}

const minute = 60_000;

/**
 * A log as it can come about: owners follow each other, each hands over numbered progress, and any write may be stored once
 * more, or only then, up to `lateWriteMs` late; claims of those who came too late among them.
 */
const logs = fc
  .array(
    fc.record({
      afterMs: fc.integer({ min: 1, max: 20 * minute }),
      what: fc.constantFrom('progress', 'progress', 'progress', 'takeover', 'late-claim'),
      lateMs: fc.option(fc.integer({ min: 0, max: limits.lateWriteMs - 1 }), { nil: null, freq: 3 }),
      lost: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  .map((steps) => {
    const landings: { at: number; order: number; write: (offset: number) => Omit<Stored, 'offset' | 'at'> | null }[] =
      [];
    let now = 0;
    let owner = 0;
    let number = 0;
    // Epochs are known once claims have landed: owners are told apart by their place in this list.
    const epochs: number[] = [NO_EPOCH];
    steps.forEach(({ afterMs, what, lateMs, lost }, order) => {
      now += afterMs;
      const by = owner;
      if (what === 'progress') {
        if (owner === 0) return;
        const mine = (number += 1);
        const write = () => progressOf(by, epochs[by] as number, mine);
        if (lateMs !== null) landings.push({ at: now + lateMs, order, write });
        if (lateMs === null || !lost) landings.push({ at: now, order, write });
        return;
      }
      if (what === 'late-claim') {
        if (owner === 0) return;
        landings.push({ at: now + (lateMs ?? 0), order, write: () => claimOf(99, epochs[by - 1] as number) });
        return;
      }
      owner += 1;
      number = 0;
      const mine = owner;
      landings.push({
        at: now,
        order,
        write: (offset) => {
          epochs[mine] = offset;
          return claimOf(mine, epochs[mine - 1] as number);
        },
      });
    });
    const stored: Stored[] = [];
    for (const { at, write } of landings.toSorted((a, b) => a.at - b.at || a.order - b.order)) {
      const record = write(stored.length);
      if (record !== null) stored.push({ ...record, offset: stored.length, at });
    }
    return { stored, now };
  });

function claimOf(by: number, followsEpoch: number): Omit<Stored, 'offset' | 'at'> {
  const value = encodeClaim({ processId: `p${by}`, randomId: Buffer.alloc(16, by), followsEpoch });
  return { key: Buffer.from(OWNER_KEY), value, kind: 'claim' };
}

function progressOf(by: number, epoch: number, number: number): Omit<Stored, 'offset' | 'at'> {
  const intake = new Map([['deliveries', { watermark: number, doneAbove: Buffer.alloc(0) }]]);
  const value = encodeProgress({
    epoch,
    number,
    processId: `p${by}`,
    released: false,
    intake,
    tiers: new Map(),
    holds: [],
  });
  return { key: Buffer.from(PROGRESS_KEY), value, kind: 'progress' };
}

test('whenever the end of the log is said to tell all, it tells what the whole log tells', () => {
  let told = 0;
  fc.assert(
    fc.property(logs, ({ stored, now }) => {
      for (let backMs = OWNERSHIP_LOOK_BACK_MS; backMs < 40 * minute; backMs += 3 * minute) {
        const since = now - backMs;
        const read = stored.filter(({ at }) => at >= since);
        const progressAt = read.findLast(({ kind }) => kind === 'progress')?.at ?? null;
        if (!tellsAll(since, progressAt)) continue;
        told += 1;
        const whole = foldOwnership(stored);
        const end = foldOwnership(read);
        assert.equal(end.epoch, whole.epoch);
        assert.equal(end.processId, whole.processId);
        assert.deepEqual(end.progress, whole.progress);
        assert.equal(end.released, whole.released);
      }
    }),
    { numRuns: 2_000 },
  );
  assert.ok(told > 1_000, `${told} readings`);
});

test('a progress that may have been handed over before the reading began proves nothing', () => {
  assert.equal(tellsAll(1_000, null), false);
  assert.equal(tellsAll(1_000, 1_000 + limits.lateWriteMs - 1), false);
  assert.equal(tellsAll(1_000, 1_000 + limits.lateWriteMs), true);
});
