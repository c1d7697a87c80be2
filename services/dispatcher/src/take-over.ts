import {
  NO_EPOCH,
  OWNER_KEY,
  TIERS,
  encodeClaim,
  intakeFrom,
  isOtherTopic,
  limits,
  mayClaim,
  rowEpochBase,
  tellsNothing,
} from '@postrider/core';
import { ask, endsOf, pause } from './ask-kafka.ts';
import { lookBackStart } from './look-back.ts';
import { createReign, type Reign } from './reign.ts';
import { readOn, readOwnershipLog } from './read-ownership.ts';
import type { Ownership, OwnershipProgress, SessionFence } from '@postrider/core';
import type { TopicId } from '@postrider/kafka';
import type { Changes } from './changes.ts';
import { intakeTopics, type IntakeTopic } from './intake-ledger.ts';
import type { OwnershipLog } from './ownership-log.ts';
import type { PartitionFeed } from './partition-feed.ts';
import type { Pod } from './pod.ts';
import type { Ends, Serving, TakeoverEnds } from './serving.ts';

/** What a takeover of one partition works with. */
export interface TakeOverOptions {
  readonly pod: Pod;
  readonly partition: number;
  readonly feed: PartitionFeed;
  readonly fence: SessionFence;
  /** What the group lists us as now. */
  readonly processId: () => string;
  readonly changes: Changes;
  /** The group names us for the partition and no shutdown has begun. */
  readonly wanted: () => boolean;
  /** `Clock.monotonic()` when the group named us. */
  readonly namedAt: () => number;
  /** From now on the owner adds to this log what it reads. */
  readonly onLog: (log: OwnershipLog) => void;
  /** From now on the owner can end this reign. */
  readonly onReign: (reign: Reign) => void;
}

/** How often the group is asked whether the last owner is still a member. */
const ASK_GROUP_EVERY_MS = 500;

/** A claim that holds, and what was done before it. */
export interface Claimed {
  readonly reign: Reign;
  readonly adopted: OwnershipProgress | null;
}

/**
 * The first half of a takeover (design rule 4): ownership read to its end; the last owner out of the way; claim,
 * acknowledged and read back. Null when the partition was lost before the claim, or the claim is void.
 */
export async function claimPartition(options: TakeOverOptions): Promise<Claimed | null> {
  const { pod, partition, changes } = options;
  const log = await readOwnershipLog(options);
  if (log === null) return null;
  const follows = await lastOwnerOutOfTheWay(options, log);
  if (follows === null) return null;

  const reign = createReign({
    partition,
    processId: options.processId(),
    clock: pod.clock,
    fence: options.fence,
    events: pod.events,
    changed: changes.notify,
  });
  options.onReign(reign);
  const state = await claim(options, reign, log, follows.epoch);
  if (state === null) {
    reign.end('void-claim');
    return null;
  }
  reign.epoch = state.epoch;
  reign.claimedAt = pod.clock.monotonic();
  reign.first = follows.epoch === NO_EPOCH;
  // Who came in between may have released before it had been through what the crash left.
  const crashIsRecent = log.crashSeenAt !== null && pod.clock.now() - log.crashSeenAt < limits.doneKeptMs;
  reign.afterCrash = !reign.first && (!follows.released || crashIsRecent);
  pod.events.claimed(partition, reign.epoch, follows.why);
  return { reign, adopted: state.progress };
}

/**
 * The second half: ends fetched; the adopted progress written as ours, acknowledged; only then reading, answering,
 * starting. Who loses the partition on the way goes on to that progress, marks it as released, and stops.
 */
export async function beginServing(options: TakeOverOptions, claimed: Claimed, serving: Serving): Promise<void> {
  const { changes } = options;
  const { reign } = claimed;
  numberRows(options, claimed, false);
  const ends = reign.draining ? null : await fetchEnds(options, claimed);
  if (ends !== null) serving.bound(ends);
  const released = reign.draining;
  let acked = false;
  serving.writeFirstProgress(released, () => {
    acked = true;
    changes.notify();
  });
  await changes.until(() => reign.over !== null || acked);
  if (reign.over !== null) return;
  if (released) reign.end('released');
  else if (!reign.draining && ends !== null) serving.start(ends);
}

/** The epoch whose owner is out of the way, and why it is; null when the partition is not wanted any more. */
async function lastOwnerOutOfTheWay(
  options: TakeOverOptions,
  log: OwnershipLog,
): Promise<{ readonly epoch: number; readonly released: boolean; readonly why: string } | null> {
  const { pod, partition, fence, changes, wanted, namedAt } = options;
  let members: readonly string[] | null = null;
  let told = false;
  for (;;) {
    if (!wanted()) return null;
    const verdict = mayClaim({
      ownership: log.state,
      processId: pod.processId,
      members,
      joinedAt: namedAt(),
      now: pod.clock.monotonic(),
    });
    if (verdict.may && fence.open()) return { epoch: log.state.epoch, released: log.state.released, why: verdict.why };
    if (!verdict.may && !told) pod.events.takeoverWaits(partition, log.state.processId ?? '', verdict.waitMs);
    told = true;
    // Asked at once the first time, then twice a second.
    if (members !== null || verdict.may)
      await pause(pod, changes, ASK_GROUP_EVERY_MS, () => !wanted() || log.state.released);
    members = (await membersOf(pod)) ?? [log.state.processId ?? ''];
  }
}

async function membersOf(pod: Pod): Promise<readonly string[] | null> {
  try {
    const { state, members } = await pod.admin.describeGroup(pod.groupId);
    // While members are joining, the list is not complete: who is missing in it may still be there.
    return state === 'stable' ? members : null;
  } catch (error) {
    pod.events.kafkaTrouble(error as Error);
    return null;
  }
}

/** Claims, and reads back to the claim. What the log then says; null when the claim is void. */
async function claim(
  options: TakeOverOptions,
  reign: Reign,
  log: OwnershipLog,
  followsEpoch: number,
): Promise<Ownership | null> {
  const { pod, partition, changes, wanted } = options;
  const randomId = pod.randomId(16);
  let offset = -1;
  reign.write({
    producer: pod.stateProducer,
    record: {
      topic: pod.topic('ownership'),
      partition,
      key: Buffer.from(OWNER_KEY),
      value: encodeClaim({ processId: reign.processId, randomId, followsEpoch }),
    },
    acked: (at) => {
      offset = at;
      changes.notify();
    },
  });
  const readBack = (): boolean => log.position > offset;
  await changes.until(() => reign.over !== null || (offset >= 0 && (readBack() || !wanted())));
  if (reign.over !== null) return null;
  // Who is not named any more cannot read as a member; the claim must be released all the same.
  const isOver = (): boolean => reign.over !== null;
  const state = readBack() ? log.state : await ask(options, () => readOn(options, log), isOver);
  // Of a claim that was sent twice the first copy counts, whichever was acknowledged.
  return state?.claim?.randomId.equals(randomId) === true ? state : null;
}

/** What one broker says that is not so: it may be behind the others for a moment. */
const BELIEVE_AFTER_MS = 5_000;

/** Asks until the answer is not doubtful; one that is doubtful is believed when it is told for a while. */
async function believed<T>(
  { pod, changes }: TakeOverOptions,
  question: () => Promise<T | null>,
  isDoubtful: (answer: T) => boolean,
  pointless: () => boolean,
): Promise<T | null> {
  const until = pod.clock.monotonic() + BELIEVE_AFTER_MS;
  for (;;) {
    const answer = await question();
    if (answer === null || !isDoubtful(answer) || pod.clock.monotonic() >= until) return answer;
    await pause(pod, changes, ASK_GROUP_EVERY_MS, pointless);
  }
}

/** Where a topic ends. A leader that has just been elected may not know for a moment how far the topic goes. */
function endsBeyond(
  options: TakeOverOptions,
  topic: IntakeTopic,
  watermark: number,
  pointless: () => boolean,
): Promise<Ends | null> {
  const question = () => endsOf(options, topic, pointless);
  return believed(options, question, ({ end }) => end < watermark, pointless);
}

/** Kafka's ids of topics. A broker that has not heard of a topic's new log yet names the old one, as if that were new. */
function presentIds(
  options: TakeOverOptions,
  { adopted }: Claimed,
  pointless: () => boolean,
): Promise<ReadonlyMap<TopicId, string> | null> {
  const question = () => ask(options, options.pod.topicIds, pointless);
  const isOther = (ids: ReadonlyMap<TopicId, string>): boolean =>
    intakeTopics.some((topic) => isOtherTopic(adopted?.intake.get(topic), ids.get(topic) ?? ''));
  return believed(options, question, isOther, pointless);
}

/** Rows of this reign must be newer than those of all before it, also of those that `ownership` knows nothing of any more. */
function numberRows({ pod, partition }: TakeOverOptions, { reign, adopted }: Claimed, tiersWritten: boolean): void {
  reign.rowEpoch = reign.epoch + rowEpochBase(adopted, tiersWritten, pod.clock.now());
  if (!tellsNothing(adopted) || !tiersWritten) return;
  pod.events.ownershipReplaced(partition);
  // Nobody knows who came before: what they had in hand may have reached its endpoint, and be written yet.
  reign.first = false;
  reign.afterCrash = true;
}

/** Null when the reign has nothing to begin any more. */
async function fetchEnds(options: TakeOverOptions, { reign, adopted }: Claimed): Promise<TakeoverEnds | null> {
  const { pod, partition } = options;
  const pointless = (): boolean => reign.draining || reign.isOver();
  // Before the ends: a topic that is made anew in between is then found to be another one, if only later.
  const ids = await presentIds(options, { reign, adopted }, pointless);
  const tiers = await Promise.all(TIERS.map((tier) => endsOf(options, tier, pointless)));
  if (ids === null || tiers.includes(null)) return null;
  numberRows(
    options,
    { reign, adopted },
    tiers.some((ends) => ends !== null && ends.end > 0),
  );
  const startOf = async (topic: IntakeTopic) => {
    const known = adopted?.intake.get(topic);
    const topicId = ids.get(topic) ?? '';
    const done = known?.watermark ?? 0;
    const ends = await endsBeyond(options, topic, isOtherTopic(known, topicId) ? 0 : done, pointless);
    if (ends === null) return null;
    const { replaced, ...from } = intakeFrom({ known, topicId, ...ends, rowEpoch: reign.rowEpoch });
    // Reading begins at an offset that exists, so the broker will not complain: what lay between is told here.
    if (replaced || (adopted !== null && done < ends.low))
      pod.events.offsetOutOfRange(pod.topic(topic), partition, done);
    const { watermark } = from;
    const lookBack = () =>
      lookBackStart({
        offsetsAt: pod.offsetsAt,
        topic: pod.topic(topic),
        partition,
        watermark,
        range: { low: ends.low, high: ends.end },
        now: pod.clock.now(),
      });
    const start = await ask(options, lookBack, pointless);
    return start === null ? null : { ...ends, start, from };
  };
  const [live, bulk] = await Promise.all([startOf('deliveries'), startOf('deliveries.bulk')]);
  const [short, medium, long] = tiers;
  if (!live || !bulk || !short || !medium || !long) return null;
  return {
    tiers: new Map([
      [TIERS[0], short],
      [TIERS[1], medium],
      [TIERS[2], long],
    ]),
    intake: new Map([
      ['deliveries', live],
      ['deliveries.bulk', bulk],
    ]),
  };
}
