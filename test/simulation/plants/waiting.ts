import type { PlantedRule } from './index.ts';

const dispatcher = 'services/dispatcher/src';

/** Rules of how a delivery comes to wait, and of how it ends. */
export const waitingRules: readonly PlantedRule[] = [
  {
    name: 'attemptFirst',
    about: 'a row is written beside the record of the attempt that it counts, not after it',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'for (const result of results) this.#o.writeResult(result, recorded);',
        replace: 'this.#writeRow(work, row, true); for (const one of results) this.#o.writeResult(one, () => {});',
      },
    ],
  },
  {
    name: 'answerOnRecord',
    about: 'an answer counts an attempt that is not on record yet',
    schedule: 'late-copy-while-recording',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: "if (work.state === 'recording') return 'unrecorded';",
        replace: '',
      },
    ],
  },
  {
    name: 'resultFirst',
    about: 'the tombstone is written beside the attempt or dead letter that ends the delivery, not after it',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'for (const result of results) this.#o.writeResult(result, acked);',
        replace: `this.#tombstones.bury(work, () => this.#ended(work, how));
          for (const one of results) this.#o.writeResult(one, () => {});`,
      },
    ],
  },
  {
    name: 'newestLast',
    about: 'of two rows of what has ended the newest is taken away first',
    schedule: 'end-while-moving',
    plants: [
      {
        file: `${dispatcher}/tombstones.ts`,
        find: 'write(work.key, older, () => write(work.key, newest, ended));',
        replace: 'write(work.key, newest, () => write(work.key, older, ended));',
      },
    ],
  },
  {
    name: 'movePutFirst',
    about: 'a row that moves to another tier is taken away here before it stands there',
    schedule: 'half-a-move',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'this.#o.book.write(work.tier as Tier, work.key, row, acked, tooLarge);',
        replace: `for (const other of this.#o.book.rowsElsewhere(work.tier, work.key)) this.#o.book.write(other, work.key, null);
          this.#o.book.write(work.tier as Tier, work.key, row, acked, tooLarge);`,
      },
    ],
  },
  {
    name: 'olderOnly',
    about: 'of two rows of a delivery in hand the one that is loaded later is tombstoned, be it the newer one',
    schedule: 'newer-row-while-in-flight',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'mine !== undefined && from !== tier && compareRowVersions(mine, version) > 0;',
        replace: 'mine !== undefined && from !== tier;',
      },
    ],
  },
  {
    name: 'newerAcked',
    about: 'the older of two rows is tombstoned while the newer one is still on its way',
    schedule: 'older-row-loads-first',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'if (overruled && (mine.read || mine.acked)) book.write(tier, key, null);',
        replace: 'if (overruled) book.write(tier, key, null);',
      },
    ],
  },
  {
    name: 'everyTier',
    about: 'what ends while a takeover is fresh is tombstoned only where a row is known',
    schedule: 'row-after-its-heir',
    plants: [
      {
        file: `${dispatcher}/tombstones.ts`,
        find: 'return !book.isLoaded(tier) || clock.monotonic() - reign.claimedAt < limits.claimTombstoneMs;',
        replace: 'return false;',
      },
    ],
  },
  {
    name: 'guardEnd',
    about: 'a guard row stays when its attempt ends',
    schedule: 'hanging-head',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'const { open } = work;',
        replace: 'const { open } = work; (work as any).guarded = true;',
      },
      {
        file: `${dispatcher}/tombstones.ts`,
        find: 'const tiers = TIERS.filter((tier) => isNeeded(work, tier));',
        replace: 'const tiers = TIERS.filter((tier) => (work as any).guarded !== true && isNeeded(work, tier));',
      },
    ],
  },
];
