import type { PlantedRule } from './index.ts';

const dispatcher = 'services/dispatcher/src';
const core = 'packages/core/src';

/** Rules of who owns a partition and what is done. */
export const ownershipRules: readonly PlantedRule[] = [
  {
    name: 'claimFollows',
    about: 'a claim counts whatever stands before it',
    schedule: 'copy-of-a-claim',
    plants: [
      {
        file: `${core}/ownership.ts`,
        find: 'if (candidate.claim.followsEpoch >= before) last = candidate;',
        replace: 'last = candidate;',
      },
    ],
  },
  {
    name: 'retryClaim',
    about: 'whose claim is void waits until the group names it anew',
    schedule: 'claim-of-the-dead',
    plants: [
      {
        file: `${dispatcher}/partition-owner.ts`,
        find: 'if (claimed === null) return;',
        replace: 'if (claimed === null) { this.#named = false; return; }',
      },
    ],
  },
  {
    name: 'readBack',
    about: 'a claim counts as soon as it is acknowledged, whatever was claimed before it',
    schedule: 'claim-of-the-dead',
    plants: [
      {
        file: `${dispatcher}/take-over.ts`,
        find: '(offset >= 0 && (readBack() || !wanted()))',
        replace: 'offset >= 0',
      },
      {
        file: `${dispatcher}/take-over.ts`,
        find: 'const state = readBack() ? log.state : await ask(options, () => readOn(options, log), isOver);',
        replace: 'const state = log.state;',
      },
      {
        file: `${dispatcher}/take-over.ts`,
        find: 'return state?.claim?.randomId.equals(randomId) === true ? state : null;',
        replace:
          'return { epoch: offset, processId: pod.processId, claim: null, progress: state.progress, released: false };',
      },
    ],
  },
  {
    name: 'waitReleased',
    about: 'the last owner is not waited for, though it is a member of the group',
    schedule: 'crowded',
    plants: [
      {
        file: `${core}/ownership.ts`,
        find: "if (members !== null && !members.includes(last)) return { may: true, why: 'left' };",
        replace: "return { may: true, why: 'left' };",
      },
    ],
  },
  {
    name: 'memberCheck',
    about: 'an owner that says nothing for a second is taken for dead',
    schedule: 'crowded',
    plants: [
      {
        file: `${core}/ownership.ts`,
        find: 'const waitMs = joinedAt + drainLimitMs() + limits.drainSlackMs - now;',
        replace: 'const waitMs = joinedAt + 1_000 - now;',
      },
    ],
  },
  {
    name: 'ownDeadline',
    about: 'a leaving owner goes on after the time that its successor waits for it',
    schedule: 'written-after-the-wait',
    plants: [
      {
        file: `${core}/reign-rule.ts`,
        find: "if (facts.now >= facts.drainBy) return 'drain-limit';",
        replace: '',
      },
    ],
  },
  {
    name: 'drain',
    about: 'a leaving owner releases while requests are in flight',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/serving.ts`,
        find: 'return this.#reign.writing === 0 && (this.parts === null || this.parts.table.active === 0);',
        replace: 'return true;',
      },
    ],
  },
  {
    name: 'fenceSession',
    about: 'requests and writes go out however long the session has been silent',
    schedule: 'crowded',
    plants: [
      {
        file: `${core}/session-fence.ts`,
        find: 'return clock.monotonic() - sent < limitMs;',
        replace: 'return true;',
      },
    ],
  },
  {
    name: 'firstProgress',
    about: 'a new owner begins without writing the adopted progress as its own',
    schedule: 'old-progress-at-a-claim',
    plants: [
      {
        file: `${dispatcher}/serving.ts`,
        find: 'this.#progress.write(released, acked);',
        replace: 'if (released) this.#progress.write(released, acked); else acked();',
      },
      {
        file: `${dispatcher}/tier-starts.ts`,
        find: 'const told = new Map<string, number>();',
        replace: 'const told = new Map<string, number>(adopted);',
      },
    ],
  },
  {
    name: 'progressByEpoch',
    about: 'the progress that stands last in the log holds',
    schedule: 'old-progress-after-new',
    plants: [
      {
        file: `${core}/ownership.ts`,
        find: 'const highest = progress === null || compareProgress(next, progress) > 0;',
        replace: 'const highest = true;',
      },
    ],
  },
  {
    name: 'progressAgain',
    about: 'an older progress that lands behind the owner’s own stays the last in the log',
    schedule: 'old-progress-at-last',
    plants: [
      {
        file: `${dispatcher}/partition-owner.ts`,
        find: "if (news.kind === 'progress' && !news.highest) this.serving?.overtaken();",
        replace: '',
      },
    ],
  },
  {
    name: 'endsAfterClaim',
    about: 'the ends of the tiers are asked for before the last owner is out of the way',
    schedule: 'crowded',
    plants: [
      {
        file: `${dispatcher}/take-over.ts`,
        find: 'const follows = await lastOwnerOutOfTheWay(options, log);',
        replace: `const early = await Promise.all(TIERS.map((tier) => endsOf(options, tier, () => !options.wanted())));
          const follows = await lastOwnerOutOfTheWay(options, log);`,
      },
      {
        file: `${dispatcher}/take-over.ts`,
        find: 'return { reign, adopted: state.progress };',
        replace: 'return { reign, adopted: state.progress, early };',
      },
      {
        file: `${dispatcher}/take-over.ts`,
        find: 'async function fetchEnds(options: TakeOverOptions, { reign, adopted }: Claimed)',
        replace: 'async function fetchEnds(options: TakeOverOptions, { reign, adopted, early }: any)',
      },
      {
        file: `${dispatcher}/take-over.ts`,
        find: 'const tiers = await Promise.all(TIERS.map((tier) => endsOf(options, tier, pointless)));',
        replace: 'const tiers = early;',
      },
    ],
  },
  {
    name: 'lookBack',
    about: 'after a takeover reading begins at the watermark: the ids of what was done a moment ago are not learned',
    schedule: 'router-repeats-after-a-move',
    plants: [
      {
        file: `${dispatcher}/look-back.ts`,
        find: 'return Math.max(least, Math.min(start, watermark));',
        replace: 'return watermark;',
      },
    ],
  },
];
