import type { PlantedRule } from './index.ts';

const dispatcher = 'services/dispatcher/src';
const core = 'packages/core/src';

/** Mistakes that are easily made, and that no single rule names. */
export const mistakes: readonly PlantedRule[] = [
  {
    name: 'completeBeforePut',
    about: 'a delivery that must wait completes its record before its row is acknowledged',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: "this.#leaveIdle(work, 'recording');",
        replace: "this.#leaveIdle(work, 'recording'); this.#complete(work);",
      },
    ],
  },
  {
    name: 'dropOnFailedPut',
    about: 'a row that a broker refuses counts as written',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/reign.ts`,
        find: 'const waitMs = Math.min(most, least * 2 ** Math.min(refusals, 10));',
        replace: `const waitMs = Math.min(most, least * 2 ** Math.min(refusals, 10));
          if (write.record.topic.includes('retry.')) { write.acked(0); return this.#over(); }`,
      },
    ],
  },
  {
    name: 'unknownMeansDeleted',
    about: 'an endpoint that this process has not heard of yet is taken for deleted',
    schedule: 'endpoint-not-heard-of',
    plants: [
      {
        file: `${dispatcher}/lanes.ts`,
        find: 'if (isReached(lane.revision, view)) {',
        replace: 'if (options.endpoints.get(lane.endpointId) === undefined || isReached(lane.revision, view)) {',
      },
    ],
  },
  {
    name: 'stalePauseKept',
    about: 'what a rebalance paused stays paused for the partitions that stay',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/partition-feed.ts`,
        find: 'member.resume([{ topic, partition }]);',
        replace: '',
      },
    ],
  },
  {
    name: 'resendWhileOpen',
    about: 'a request that has not been answered for ten seconds is sent again, beside the first',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/dispatch-delivery.ts`,
        find: '  send(\n    {\n',
        replace: `  let open = true;
          const both = (request: any, done: any): void => {
            const once = (result: any): void => { if (open) { open = false; done(result); } };
            send(request, once);
            clock.after(10_000, () => { if (open) send(request, once); });
          };
          both(\n    {\n`,
      },
    ],
  },
  {
    name: 'fenceByTimer',
    about: 'the fence is looked at once a second, not before each request and each write',
    schedule: 'asleep-with-a-request',
    plants: [
      { file: `${dispatcher}/reign.ts`, find: '  writing = 0;\n', replace: "  writing = 0;\n  seen = 'yes';\n" },
      {
        file: `${dispatcher}/reign.ts`,
        find: "readonly mayAct = (): boolean => this.#look() === 'yes';",
        replace: "readonly mayAct = (): boolean => this.over === null && this.seen === 'yes';",
      },
      {
        file: `${dispatcher}/reign.ts`,
        find: 'const verdict = this.#look();',
        replace: "const verdict = this.over === null ? this.seen : 'over';",
      },
      {
        file: `${dispatcher}/partition-owner.ts`,
        find: '    this.#reign?.isOver();\n',
        replace: '    (this.#reign as any)?.look();\n',
      },
      {
        file: `${dispatcher}/reign.ts`,
        find: "  readonly isOver = (): boolean => this.#look() === 'over';\n",
        replace: `  readonly isOver = (): boolean => this.over !== null;
          look(): void { this.seen = this.#look(); }\n`,
      },
    ],
  },
  {
    name: 'expiryForgotten',
    about: 'what was never attempted does not expire',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/intake.ts`,
        find: 'return view.expiresAt ?? (view.firstSeen ?? now) + limits.retrySpanMaxMs;',
        replace: 'return view.attempt === 0 ? now + 10 * limits.retrySpanMaxMs : view.expiresAt ?? now;',
      },
    ],
  },
  {
    name: 'attemptCountLost',
    about: 'a row that is loaded begins again with its first attempt',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/tier-loader.ts`,
        find: "import { compareRowVersions, type Tier } from '@postrider/core';",
        replace: "import { compareRowVersions, moveDelivery, type Tier } from '@postrider/core';",
      },
      {
        file: `${dispatcher}/tier-loader.ts`,
        find: 'store.put(row, facts?.instead ?? delivery);',
        replace: `const kept = facts?.instead ?? delivery;
          store.put(row, { ...kept, header: moveDelivery(kept.header, { attempt: 0 }) });`,
      },
    ],
  },
  {
    name: 'progressByNumber',
    about: 'of two progress records the higher number holds, be it of an older reign',
    schedule: 'crowded',
    plants: [
      {
        file: `${core}/ownership.ts`,
        find: 'return a.epoch - b.epoch || a.number - b.number;',
        replace: 'return a.number - b.number || a.epoch - b.epoch;',
      },
    ],
  },
  {
    name: 'lookBackLiveOnly',
    about: 'the look-back is left out for bulk work',
    schedule: 'sent-again-twice',
    plants: [
      {
        file: `${dispatcher}/take-over.ts`,
        find: 'const start = await ask(options, lookBack, pointless);',
        replace: "const start = topic === 'deliveries.bulk' ? watermark : await ask(options, lookBack, pointless);",
      },
    ],
  },
  {
    name: 'releaseWithoutNews',
    about: 'the progress that releases a partition says what the last one before it said',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/progress-writer.ts`,
        find: '      intake: ledger.encode(),',
        replace:
          '      intake: (ledger as any).told = released ? ((ledger as any).told ?? ledger.encode()) : ledger.encode(),',
      },
    ],
  },
  {
    name: 'dueWhileDraining',
    about: 'a leaving owner goes on to start what falls due',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/parts.ts`,
        find: 'mayStart: () => !reign.draining && reign.mayAct(),',
        replace: 'mayStart: () => reign.mayAct(),',
      },
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'mayWake: () => !options.reign.draining && options.reign.over === null,',
        replace: 'mayWake: () => options.reign.over === null,',
      },
    ],
  },
  {
    name: 'dueTimeLost',
    about: 'a row that is loaded is due at once',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/intake.ts`,
        find: '    order: orderOf(view, view.intake ?? noOrigin),\n    dueAt: view.dueAt ?? 0,',
        replace: '    order: orderOf(view, view.intake ?? noOrigin),\n    dueAt: 0,',
      },
    ],
  },
  {
    name: 'plannedEarly',
    about: 'jitter makes the wait for the next attempt shorter than its policy says',
    schedule: 'crowded',
    plants: [
      {
        file: `${core}/decide.ts`,
        find: 'const dueAt = Math.ceil(input.now + delayMs);',
        replace: 'const dueAt = Math.ceil(input.now + delayMs * (1 - 0.2 * input.random()));',
      },
    ],
  },
  {
    name: 'givenUpEarly',
    about: 'the last attempt of a schedule is not made',
    schedule: 'crowded',
    plants: [
      {
        file: `${core}/decide.ts`,
        find: 'const delay = delayBefore(input.policy, repetition, input.random);',
        replace: 'const delay = delayBefore(input.policy, repetition + 1, input.random);',
      },
    ],
  },
  {
    name: 'expiredEarly',
    about: 'a row that is put is taken for expired an hour before it is',
    plants: [
      {
        file: `${dispatcher}/work-table.ts`,
        find: 'if (rows.expiresAt.get(row) <= now) return endings.expire(this.takeOut(row));',
        replace: 'if (rows.expiresAt.get(row) <= now + 3_600_000) return endings.expire(this.takeOut(row));',
      },
    ],
  },
  {
    name: 'retryAfterIgnored',
    about: 'an attempt is planned by its schedule though the endpoint asked for a longer pause',
    schedule: 'crowded',
    plants: [{ file: `${core}/decide.ts`, find: 'Math.max(delay, asked)', replace: 'delay' }],
  },
  {
    name: 'goneNotHeld',
    about: 'an endpoint that answered 410 is sent its other deliveries',
    plants: [
      {
        file: `${dispatcher}/lanes.ts`,
        find: "if (holds.isHeld(lane.endpointId, revision)) return { kind: 'disabled' };",
        replace: '',
      },
    ],
  },
  {
    name: 'pauseForgotten',
    about: 'a pause that an endpoint asked for holds only the delivery that was answered so, and not its others',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/heed.ts`,
        find: 'lane.heldUntil = Math.max(lane.heldUntil, now + pauseMs);',
        replace: '',
      },
    ],
  },
];
