import type { PlantedRule } from './index.ts';

const dispatcher = 'services/dispatcher/src';
const core = 'packages/core/src';

/** Rules of what is taken in, and when it is done. */
export const intakeRules: readonly PlantedRule[] = [
  {
    name: 'ackFirst',
    about: 'an offset is done as soon as its record is read',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/intake.ts`,
        find: '    table.arrive(work);\n    this.admit(work);',
        replace: '    table.arrive(work);\n    ledger.done(at);\n    this.admit(work);',
      },
    ],
  },
  {
    name: 'storeDedupe',
    about: 'another record of a delivery that is in hand starts it once more',
    schedule: 'crowded',
    plants: [{ file: `${dispatcher}/intake.ts`, find: 'if (table.takeAgain(key, at)) return;', replace: '' }],
  },
  {
    name: 'ownRow',
    about: 'a row that an older reign wrote completes the record that it stands for',
    schedule: 'row-before-its-record',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'if (this.rows.epochOf(row) === this.#o.reign.rowEpoch && this.rows.is(row, mark.acked)) {',
        replace: 'if (row !== NO_ROW) {',
      },
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'return this.#putAgain(work);',
        replace: 'this.#complete(work); this.works.set(work.key, work); return this.#rest(work);',
      },
    ],
  },
  {
    name: 'ownRowAcked',
    about: 'a row that is still on its way completes the record that it stands for',
    schedule: 'row-again-on-its-way',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'if (this.rows.epochOf(row) === this.#o.reign.rowEpoch && this.rows.is(row, mark.acked)) {',
        replace: 'if (this.rows.epochOf(row) === this.#o.reign.rowEpoch) {',
      },
    ],
  },
  {
    name: 'originDone',
    about: 'the end of a row does not complete the record that it came from',
    schedule: 'ended-before-it-is-read',
    plants: [{ file: `${dispatcher}/work-table.ts`, find: 'this.#o.ledger.done(work.origin);', replace: '' }],
  },
  {
    name: 'repeats',
    about: 'ids that ended are not remembered: a repeat by the router starts again',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/recent-keys.ts`,
        find: "has: (key) => ofTopic.deliveries.has(key) || ofTopic['deliveries.bulk'].has(key),",
        replace: 'has: () => false,',
      },
    ],
  },
  {
    name: 'runKey',
    about: 'a delivery that is sent again by request is taken for the one that ended',
    schedule: 'sent-again-at-once',
    plants: [
      {
        file: `${core}/ids.ts`,
        find: "return runId === '' ? delivery : `${delivery}/${runId}`;",
        replace: 'return delivery;',
      },
    ],
  },
  {
    name: 'revisionWait',
    about: 'a delivery does not wait until the configuration that it was routed with is read',
    schedule: 'endpoint-not-heard-of',
    plants: [
      {
        file: `${dispatcher}/admission.ts`,
        find: 'return parseRevision(revision) === null || view.reached(revision);',
        replace: 'return true;',
      },
    ],
  },
  {
    name: 'repeatTopic',
    about: 'what a router repeats goes to either topic of intake, wherever it stood before',
    schedule: 'repeat-read-first',
    plants: [
      {
        file: 'services/router/src/delivery-record.ts',
        find: "topicName(destination.topicPrefix, 'deliveries')",
        replace: `topicName(
          destination.topicPrefix,
          addressee.ordering === undefined && event.firstSeen.getTime() % 2 === 0 ? 'deliveries.bulk' : 'deliveries',
        )`,
      },
    ],
  },
];
