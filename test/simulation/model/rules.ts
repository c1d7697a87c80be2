/** The rules of ownership and waiting that can each be left out, to see what it protects from. */
export const RULES = {
  claimFollows: 'a claim names the epoch it follows, and is void once a newer one stands before it',
  waitReleased: 'while the last owner is a member of the group, wait for its `released` (or for its own deadline)',
  memberCheck: 'silence is not death: the last owner is gone only when the group no longer lists it',
  ownDeadline: 'a leaving owner stops for good at its deadline, which ends before that of the one who waits',
  fenceEpoch: 'an owner that reads a newer valid claim stops',
  drain: 'a leaving owner finishes what is in flight and gets every write acknowledged before `released`',
  fenceSession: 'no request and no write once the session, counted from the last heartbeat sent, may be over',
  retryClaim: 'whoever the group names and whose claim is void claims again',
  abortRelease: 'who loses the partition while claiming goes on to the first progress and marks it `released`',
  readBack: 'a claim counts only after it was read back and found valid',
  firstProgress: 'the adopted progress is written as its own, and acknowledged, before anything else is done',
  progressByEpoch: 'the progress of the highest (epoch, number) holds, not the last in the log',
  endsAfterClaim: 'the ends of the tiers are fetched after the progress was adopted',
  ackFirst: 'a source offset is done only when the row, attempt or dead letter is acknowledged',
  attemptFirst: 'a row is written only after the record of the attempt that it counts is acknowledged',
  answerOnRecord: '… and so is a row that answers a record behind it',
  resultFirst: 'attempt or dead letter acknowledged before a tombstone is written',
  newestLast: 'what ended: tombstones of older rows first, acknowledged, the newest row’s last',
  movePutFirst: 'another tier: put there, acknowledged, then tombstone here',
  olderOnly: 'of two rows of a key only the older may be tombstoned, also while in flight from the older one',
  newerAcked: '… and only once the newer one is in the log (loaded, or acknowledged)',
  fold: 'the newest (epoch, n) of a key holds, not the last in the log',
  tombVersion: 'tombstones carry (epoch, n), not only rows',
  number: 'n decides within one epoch (late copies of what was sent twice)',
  answer: 'the owner reads on behind the ends; a record behind its truth is answered by writing the truth again',
  remember: 'what this reign wrote is remembered until read back, so a loaded older row does not count',
  everyTier:
    'until all is loaded and no late write is left, what ends and is older than the claim is tombstoned in every tier',
  lag: 'compaction leaves records alone until owners had time to answer',
  storeDedupe: 'a source record of a delivery in the store, queue or in flight starts nothing',
  ownRow: 'only a row of this epoch completes a source record; an older one is put again first',
  originDone: 'when a row ends or is put again its source offset is done, read or not',
  repeats: 'ids that ended are remembered for a while, so that a repeat by the router starts nothing',
  repeatTopic: 'what the router repeats goes to the topic where it stood before',
  lookBack: 'after a takeover reading begins below the watermark: offsets that are done only teach their ids',
  runKey: 'work is known by (delivery id, run)',
  revisionWait:
    'an unknown endpoint is gone only when the config view has reached the revision that the delivery names',
  orderLoaded: 'an ordered delivery starts only when every tier is loaded',
  orderPut: 'an ordered arrival is put only when every tier is loaded (a repeat would take a new, higher place)',
  orderLowest: 'an ordered delivery starts only when it has the lowest offset of its lane',
  orderPosition: 'an ordered row starts only when reading has passed its source offset',
  guardEnd: 'a guard row is tombstoned when its attempt ends',
  loadFromRows: 'load-from is not above the record of any row that stands in the tier',
  loadFromOldCopies: '… an older row of a delivery counts until its tombstone is acknowledged, too',
  loadFromAcked: '… a row stands where its last acknowledged record is, whatever was handed over since',
  loadFromNewest: '… where its newest record is, not its first',
  loadFromSettled: 'a noted end counts only when all that this reign had written by then is acknowledged',
  loadFromLate: '… then when no write that was on its way can land any more',
  loadFromRead: '… then when all that landed until then is read',
  loadFromAnswered: '… and then when all that this reign had written until then, answers above all, is acknowledged',
  rowBehind: 'a loaded tombstone is written again when any row stands behind it, not only if a row stands last',
} as const;

export type Rule = keyof typeof RULES;

/** Which rules are obeyed. */
export type Rules = Readonly<Record<Rule, boolean>>;

export const RULE_NAMES = Object.keys(RULES) as Rule[];

/** Whether a rule of this name exists. */
export function isRule(name: string): name is Rule {
  return Object.hasOwn(RULES, name);
}

/** All rules but these. */
export function rulesWithout(left: readonly Rule[] = []): Rules {
  return Object.fromEntries(RULE_NAMES.map((name) => [name, !left.includes(name)])) as Record<Rule, boolean>;
}
