import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { drainLimitMs, limits } from './limits.ts';
import {
  compareProgress,
  createOwnershipFold,
  encodeClaim,
  encodeProgress,
  foldOwnership,
  mayClaim,
  NO_EPOCH,
  OWNER_KEY,
  PROGRESS_KEY,
} from './ownership.ts';
import type { OwnershipProgress, OwnershipRecord } from './ownership.ts';

const owner = Buffer.from(OWNER_KEY);
const progressKey = Buffer.from(PROGRESS_KEY);

function claimAt(offset: number, processId: string, followsEpoch: number): OwnershipRecord {
  const randomId = Buffer.alloc(16, offset);
  return { offset, key: owner, value: encodeClaim({ processId, randomId, followsEpoch }) };
}

function progressOf(epoch: number, number: number, more: Partial<OwnershipProgress> = {}): OwnershipProgress {
  const empty = { processId: 'A', released: false, intake: new Map(), tiers: new Map(), holds: [] };
  return { ...empty, epoch, number, ...more };
}

function progressAt(offset: number, epoch: number, number: number, more: Partial<OwnershipProgress> = {}) {
  return { offset, key: progressKey, value: encodeProgress(progressOf(epoch, number, more)) };
}

interface Entry {
  readonly offset: number;
  readonly processId: string;
  readonly claim?: { readonly follows: number };
  readonly progress?: { readonly epoch: number; readonly number: number; readonly released: boolean };
}

/** The rules word for word, over the whole log at once. */
function naiveFold(log: readonly Entry[]) {
  const proven = log.flatMap(({ progress }) => (progress ? [progress.epoch] : []));
  let last = { epoch: NO_EPOCH, processId: null as string | null };
  for (const { offset, processId, claim } of log) {
    if (!claim) continue;
    const before = Math.max(last.epoch, NO_EPOCH, ...proven.filter((epoch) => epoch < offset));
    if (claim.follows >= before) last = { epoch: offset, processId };
  }
  const newest = Math.max(NO_EPOCH, ...proven);
  if (newest > last.epoch) {
    last = { epoch: newest, processId: log.find(({ progress }) => progress?.epoch === newest)?.processId ?? null };
  }
  let best: Entry['progress'] | null = null;
  for (const { progress } of log) {
    if (!progress) continue;
    const older =
      best && (progress.epoch < best.epoch || (progress.epoch === best.epoch && progress.number <= best.number));
    if (!older) best = progress;
  }
  const released = log.some(({ progress }) => progress?.epoch === last.epoch && progress.released);
  return { ...last, released, best: best && { epoch: best.epoch, number: best.number } };
}

// Logs as compaction, late copies and lost answers leave them: gaps, claims that follow anything, progress out of order.
const logs = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 1, max: 3 }),
      processId: fc.constantFrom('A', 'B', 'C'),
      back: fc.nat(12),
      number: fc.nat(4),
      isClaim: fc.boolean(),
      released: fc.boolean(),
    }),
    { maxLength: 25 },
  )
  .map((items) => {
    const log: Entry[] = [];
    const writer = new Map<number, string>();
    let offset = 0;
    for (const { gap, processId, back, number, isClaim, released } of items) {
      offset += gap;
      const epoch = Math.max(isClaim ? NO_EPOCH : 0, offset - 1 - back);
      if (isClaim) {
        log.push({ offset, processId, claim: { follows: epoch } });
        if (!writer.has(offset)) writer.set(offset, processId);
        continue;
      }
      // One process per epoch: the one that claimed it, where the claim is still there.
      if (!writer.has(epoch)) writer.set(epoch, processId);
      log.push({ offset, processId: writer.get(epoch)!, progress: { epoch, number, released } });
    }
    return log;
  });

const toRecord = ({ offset, processId, claim, progress }: Entry): OwnershipRecord =>
  claim
    ? claimAt(offset, processId, claim.follows)
    : progressAt(offset, progress!.epoch, progress!.number, { processId, released: progress!.released });

test('read record by record, ownership is at every step what the whole log says', () => {
  fc.assert(
    fc.property(logs, (log) => {
      const fold = createOwnershipFold();
      log.forEach((entry, index) => {
        const news = fold.apply(toRecord(entry));
        const { epoch, processId, released, best } = naiveFold(log.slice(0, index + 1));
        assert.deepEqual(
          {
            epoch: fold.epoch,
            processId: fold.processId,
            released: fold.released,
            best: fold.progress && { epoch: fold.progress.epoch, number: fold.progress.number },
          },
          { epoch, processId, released, best },
        );
        if (news.kind === 'claim') assert.equal(news.valid, epoch === entry.offset);
        if (entry.offset === fold.epoch && entry.claim) assert.equal(fold.claim?.processId, entry.processId);
      });
    }),
    { numRuns: 2_000 },
  );
});

test('the first claim is valid, and one that names an older epoch than stands before it is void', () => {
  const fold = createOwnershipFold();
  assert.equal(fold.epoch, NO_EPOCH);
  assert.equal(fold.processId, null);
  const news = fold.apply(claimAt(10, 'A', NO_EPOCH));
  assert.equal(news.kind === 'claim' && news.valid, true);
  const late = fold.apply(claimAt(11, 'B', NO_EPOCH));
  assert.equal(late.kind === 'claim' && late.valid, false);
  assert.deepEqual([fold.epoch, fold.processId], [10, 'A']);
  fold.apply(claimAt(12, 'B', 10));
  assert.deepEqual([fold.epoch, fold.processId], [12, 'B']);
  assert.deepEqual(fold.claim?.randomId, Buffer.alloc(16, 12));
});

test('the claim of a reign is known as long as it stands in the log', () => {
  const progress = progressAt(12, 10, 1);
  assert.deepEqual(foldOwnership([claimAt(10, 'A', NO_EPOCH), progress]).claim?.randomId, Buffer.alloc(16, 10));
  const compacted = foldOwnership([progress]);
  assert.deepEqual([compacted.epoch, compacted.processId, compacted.claim], [10, 'A', null]);
});

test('a second copy of one claim deposes nobody', () => {
  const { epoch, processId } = foldOwnership([claimAt(5, 'A', NO_EPOCH), claimAt(9, 'A', NO_EPOCH)]);
  assert.deepEqual([epoch, processId], [5, 'A']);
});

test('a void claim stays void when the claim that made it so was compacted away', () => {
  const whole = [claimAt(5, 'A', NO_EPOCH), claimAt(9, 'B', NO_EPOCH), progressAt(12, 5, 3)];
  for (const log of [whole, whole.slice(1)]) {
    const { epoch, processId } = foldOwnership(log);
    assert.deepEqual([epoch, processId], [5, 'A']);
  }
});

test('the progress with the highest (epoch, number) holds, and one read behind it is told as older', () => {
  const fold = createOwnershipFold();
  const told = [
    claimAt(1, 'A', NO_EPOCH),
    progressAt(2, 1, 2),
    progressAt(3, 1, 1),
    claimAt(4, 'B', 1),
    progressAt(5, 4, 1, { processId: 'B' }),
    progressAt(6, 1, 9),
    progressAt(7, 4, 1, { processId: 'B' }),
  ].map((record) => fold.apply(record));
  assert.deepEqual(
    told.flatMap((news) => (news.kind === 'progress' ? [news.highest] : [])),
    [true, false, true, false, false],
  );
  assert.deepEqual([fold.progress?.epoch, fold.progress?.number], [4, 1]);
});

test('a reign is released by its own progress alone', () => {
  const log = [claimAt(1, 'A', NO_EPOCH), progressAt(2, 1, 1, { released: true })];
  assert.equal(foldOwnership(log).released, true);
  assert.equal(foldOwnership([...log, claimAt(3, 'B', 1)]).released, false);
  assert.equal(foldOwnership([...log, claimAt(3, 'B', 1), progressAt(4, 1, 2, { released: true })]).released, false);
});

test('a record that cannot be what its key says is told and changes nothing', () => {
  const good = [claimAt(1, 'A', NO_EPOCH), progressAt(2, 1, 1)];
  const bad: OwnershipRecord[] = [
    { offset: 3, key: owner, value: Buffer.from([0xff, 0xff]) },
    { offset: 4, key: progressKey, value: Buffer.from([0x2a, 0xff]) },
    { offset: 5, key: Buffer.from('other'), value: Buffer.from('x') },
    { offset: 6, key: null, value: Buffer.from('x') },
    { offset: 7, key: owner, value: encodeClaim({ processId: 'B', randomId: Buffer.alloc(16), followsEpoch: 7 }) },
    { offset: 8, key: progressKey, value: encodeProgress(progressOf(8, 1)) },
    { offset: 9, key: progressKey, value: encodeProgress(progressOf(1, 5, { processId: '' })) },
    { offset: 10, key: owner, value: Buffer.alloc(0) },
    { offset: 11, key: progressKey, value: null },
  ];
  const { problems, ...state } = foldOwnership([...good, ...bad]);
  const { problems: none, ...expected } = foldOwnership(good);
  assert.deepEqual(state, expected);
  assert.deepEqual(none, []);
  assert.deepEqual(
    problems.map(({ offset, code }) => [offset, code]),
    [
      [3, 'claim_unreadable'],
      [4, 'progress_unreadable'],
      [5, 'key_unknown'],
      [6, 'key_unknown'],
      [7, 'claim_unreadable'],
      [8, 'progress_unreadable'],
      [9, 'progress_unreadable'],
      [10, 'claim_unreadable'],
    ],
  );
});

test('a progress survives its record whole', () => {
  const progress = progressOf(1, 7, {
    released: true,
    intake: new Map([
      ['deliveries', { watermark: 2 ** 40, doneAbove: Buffer.from([2, 0, 1]), topicId: 'ab', sinceEpoch: 3 }],
      ['deliveries.bulk', { watermark: 0, doneAbove: Buffer.alloc(0), topicId: '', sinceEpoch: 0 }],
    ]),
    tiers: new Map([['retry.1m', 12]]),
    holds: [{ endpointId: 'ep_1', endpointRevision: '17' }],
    rowEpochBase: 2 ** 41,
    address: '[fd00::5]:8084',
  });
  const { progress: read } = foldOwnership([{ offset: 2, key: progressKey, value: encodeProgress(progress) }]);
  assert.deepEqual(read, progress);
  assert.ok(read && compareProgress(read, progressOf(1, 6)) > 0 && compareProgress(read, progressOf(2, 1)) < 0);
});

test('the last owner is out of the way when it released, left, or has had all the time it may use', () => {
  const reign = [claimAt(1, 'A', NO_EPOCH)];
  const ask = (more: Partial<Parameters<typeof mayClaim>[0]>) =>
    mayClaim({ ownership: foldOwnership(reign), processId: 'B', members: ['A', 'B'], joinedAt: 0, now: 0, ...more });
  const longest = drainLimitMs() + limits.drainSlackMs;
  assert.deepEqual(ask({ ownership: foldOwnership([]) }), { may: true, why: 'no_owner' });
  assert.deepEqual(ask({}), { may: false, waitMs: longest });
  assert.deepEqual(ask({ members: null }), { may: false, waitMs: longest });
  assert.deepEqual(ask({ now: longest - 1 }), { may: false, waitMs: 1 });
  assert.deepEqual(ask({ now: longest }), { may: true, why: 'waited' });
  assert.deepEqual(ask({ members: ['B'] }), { may: true, why: 'left' });
  assert.deepEqual(ask({ processId: 'A' }), { may: true, why: 'own_reign' });
  // Under what it was before the group took it for dead; another process only begins alike.
  const later = foldOwnership([claimAt(1, 'A.2', NO_EPOCH)]);
  assert.deepEqual(ask({ processId: 'A', ownership: later, members: ['A.3'] }), { may: true, why: 'own_reign' });
  assert.deepEqual(ask({ members: ['A.1', 'B'] }), { may: true, why: 'left' });
  const alike = foldOwnership([claimAt(1, 'A1', NO_EPOCH)]);
  assert.deepEqual(ask({ processId: 'A', ownership: alike, members: ['A', 'A1'] }), { may: false, waitMs: longest });
  const released = foldOwnership([...reign, progressAt(2, 1, 1, { released: true })]);
  assert.deepEqual(ask({ ownership: released }), { may: true, why: 'released' });
});
