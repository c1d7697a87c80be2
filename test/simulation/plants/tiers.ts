import type { PlantedRule } from './index.ts';

const dispatcher = 'services/dispatcher/src';
const core = 'packages/core/src';

/** Rules of what stands in the retry tiers, and from where they are loaded. */
export const tierRules: readonly PlantedRule[] = [
  {
    name: 'fold',
    about: 'of the records of a key the last in the log holds, not the newest',
    schedule: 'late-copy-after-the-end',
    plants: [
      {
        file: `${dispatcher}/tier-loader.ts`,
        find: 'compareRowVersions({ epoch: rows.epochOf(row), n: rows.n.get(row) }, version) > 0',
        replace: 'false',
      },
    ],
  },
  {
    name: 'tombVersion',
    about: 'a tombstone holds by its place in the log, not by its version',
    schedule: 'newer-row-while-in-flight',
    plants: [
      {
        file: `${dispatcher}/tier-loader.ts`,
        find: '} else if (compareRowVersions({ epoch: rows.epochOf(row)',
        replace: '} else if (delivery !== null && compareRowVersions({ epoch: rows.epochOf(row)',
      },
    ],
  },
  {
    name: 'number',
    about: 'of two records of one reign the last in the log holds',
    schedule: 'late-copy-after-the-end',
    plants: [
      {
        file: `${core}/move-delivery.ts`,
        find: 'return a.epoch - b.epoch || a.n - b.n;',
        replace: 'return a.epoch - b.epoch;',
      },
    ],
  },
  {
    name: 'answer',
    about: 'a record that lands behind the truth is not answered',
    schedule: 'row-after-the-end',
    plants: [
      {
        file: `${dispatcher}/tier-book.ts`,
        find: "if (row === 'unrecorded') return;",
        replace: 'return;',
      },
    ],
  },
  {
    name: 'remember',
    about: 'what this reign wrote before a tier is loaded does not count against what it loads',
    schedule: 'end-while-a-tier-loads',
    plants: [
      {
        file: `${dispatcher}/tier-book.ts`,
        find: 'isWritten: (key) => this.known(tier, key) !== undefined,',
        replace: 'isWritten: () => false,',
      },
    ],
  },
  {
    name: 'lag',
    about: 'the log cleaner takes records as soon as a later one of their key stands in the log',
    schedule: 'late-row-then-compaction',
    plants: [
      {
        file: 'packages/kafka/src/topics.ts',
        find: "config['min.compaction.lag.ms'] = String(declaration.compactionLagMinMs);",
        replace: "config['min.compaction.lag.ms'] = '0';",
      },
      {
        file: 'packages/kafka/src/check-topics.ts',
        find: '!(lagMs >= declaration.compactionLagMinMs)',
        replace: 'lagMs < 0',
      },
    ],
  },
  {
    name: 'rowBehind',
    about: 'a loaded tombstone with a row behind it is not written again when another tombstone stands last',
    schedule: 'late-row-then-compaction',
    plants: [
      {
        file: `${dispatcher}/tier-loader.ts`,
        find: 'if (delivery !== null) rows.set(row, mark.rowBehind, true);',
        replace: '',
      },
    ],
  },
  {
    name: 'loadFrom',
    about: 'a tier is loaded from its newest end, whatever stands below',
    schedule: 'crowded',
    plants: [
      {
        file: `${core}/load-from.ts`,
        find: 'offset = Math.max(offset, Math.min(counts, standing.lowest()));',
        replace: 'offset = Math.max(offset, noted?.end ?? 0);',
      },
    ],
  },
  {
    name: 'loadFromRows',
    about: 'rows that stand in a tier do not hold back from where it is loaded',
    schedule: 'long-wait-then-takeover',
    plants: [
      {
        file: `${core}/load-from.ts`,
        find: 'Math.min(counts, standing.lowest())',
        replace: 'counts',
      },
    ],
  },
  {
    name: 'loadFromLate',
    about: 'an end counts before what was on its way when it was noted can have landed',
    schedule: 'late-row-after-minutes',
    plants: [
      {
        file: `${core}/load-from.ts`,
        find: 'return now - noted.settledAt >= limits.lateWriteMs;',
        replace: 'return true;',
      },
      {
        file: `${core}/load-from.ts`,
        find: 'askedAt - settledAt < limits.lateWriteMs',
        replace: 'askedAt < settledAt',
      },
    ],
  },
  {
    name: 'loadFromOldCopies',
    about: 'the older of two rows does not hold back from where its tier is loaded',
    schedule: 'long-wait-then-move',
    plants: [
      {
        file: `${dispatcher}/tier-book.ts`,
        find: 'if (before !== null) this.#moveOut(row);',
        replace: `if (before !== null) {
            this.#moveStanding(before, rows.recordOffset.get(row), NO_OFFSET);
            rows.recordOffset.set(row, NO_OFFSET);
            this.#moveOut(row);
          }`,
      },
    ],
  },
  {
    name: 'loadFromAcked',
    about: 'a row that is put again does not hold back any more where it stood, before it stands anew',
    schedule: 'long-wait-then-put-again',
    plants: [
      {
        file: `${dispatcher}/tier-book.ts`,
        find: '      rows.setVersion(row, tier, version);\n      rows.set(row, mark.acked | mark.read, false);\n',
        replace: `      rows.setVersion(row, tier, version);
          rows.set(row, mark.acked | mark.read, false);
          this.#moveStanding(tier, rows.recordOffset.get(row), NO_OFFSET);
          rows.recordOffset.set(row, NO_OFFSET);\n`,
      },
    ],
  },
  {
    name: 'loadFromSettled',
    about: 'the time of an end begins though something that was written before it was noted is not acknowledged',
    schedule: 'refused-row-after-its-tombstone',
    plants: [
      {
        file: `${core}/load-from.ts`,
        find: 'if (confirming !== null || noted === null) return noted === null;',
        replace: 'if (noted === null) return true;',
      },
      {
        file: `${core}/load-from.ts`,
        find: 'if (confirming !== null || settledAt === null ||',
        replace: 'if (settledAt === null ||',
      },
    ],
  },
  {
    name: 'loadFromRead',
    about: 'an end counts before what came later is read',
    schedule: 'late-row-read-late',
    plants: [
      {
        file: `${core}/load-from.ts`,
        find: 'if (confirming === null || position < confirming.readUntil) return;',
        replace: 'if (confirming === null) return;',
      },
    ],
  },
  {
    name: 'loadFromAnswered',
    about: 'an end counts before the answers to what came later are acknowledged',
    schedule: 'answer-lost-for-minutes',
    plants: [
      {
        file: `${core}/load-from.ts`,
        find: 'if (!isSettled(confirming.writtenUntil)) return;',
        replace: '',
      },
    ],
  },
];
