import { Claim, Progress } from '@postrider/contract/postrider/v1/ownership';
import { encodedBytes } from './encoded-bytes.ts';
import { PostriderError } from './errors.ts';
import type { EndpointHold } from './endpoint-holds.ts';
import { drainLimitMs, limits } from './limits.ts';
import { MARK_FACTOR, type OffsetProgress } from './offset-range.ts';

/** Key of a claim on the `ownership` topic. */
export const OWNER_KEY = 'owner';
/** Key of a progress record on the `ownership` topic. */
export const PROGRESS_KEY = 'progress';
/** The epoch before the first claim. */
export const NO_EPOCH = -1;

/** A record of one partition of `ownership`, as read. */
export interface OwnershipRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** A claim, with epochs as numbers. */
export interface OwnershipClaim {
  readonly processId: string;
  /** 16 random bytes, by which its writer recognises it. */
  readonly randomId: Buffer;
  /** The newest valid epoch its writer knew; `NO_EPOCH` when there was none. */
  readonly followsEpoch: number;
}

/** What is done on one topic of intake, and of which topic that is told. */
export interface IntakeProgress extends OffsetProgress {
  /** Kafka's id of the topic; absent or empty: not known. */
  readonly topicId?: string;
  /** Rows of epochs below name offsets of a topic that is no more. Absent: 0, there are none. */
  readonly sinceEpoch?: number;
}

/** A progress record, with epochs and offsets as numbers. */
export interface OwnershipProgress {
  readonly epoch: number;
  /** Number within the reign, from 1. */
  readonly number: number;
  readonly processId: string;
  /** The reign ended in good order: everything that was started has ended or been put. */
  readonly released: boolean;
  /** What is done, by logical topic name. */
  readonly intake: ReadonlyMap<string, IntakeProgress>;
  /** Below which offset no record matters, by logical name of the retry tier. */
  readonly tiers: ReadonlyMap<string, number>;
  /** Endpoints that are sent nothing since they answered 410. */
  readonly holds: readonly EndpointHold[];
  /** Added to epochs where versions of rows bear them. Absent: 0. */
  readonly rowEpochBase?: number;
  /** Where the process answers questions, `host:port`. Absent or empty: it answers none. */
  readonly address?: string;
}

/** A record that cannot be what its key says. It is ignored by all; a person should hear of it. */
export interface OwnershipProblem {
  readonly offset: number;
  readonly code: 'claim_unreadable' | 'progress_unreadable' | 'key_unknown';
  readonly detail: string;
}

/** What one record of `ownership` turned out to be. */
export type OwnershipNews =
  /** A claim. `valid` false: an epoch newer than the one it follows stands before it; its writer owns nothing. */
  | { readonly kind: 'claim'; readonly valid: boolean; readonly claim: OwnershipClaim }
  /**
   * A progress. `highest` false: it is older than one already read, and the owner, reading it behind its own, writes its
   * own again, for compaction keeps what stands last.
   */
  | { readonly kind: 'progress'; readonly highest: boolean; readonly progress: OwnershipProgress }
  | { readonly kind: 'problem'; readonly problem: OwnershipProblem }
  /** A tombstone: nobody writes one here; it changes nothing. */
  | { readonly kind: 'nothing' };

/**
 * Who owns a partition and what is done, as far as its records were read.
 *
 * - The epoch is the offset of a valid claim. A claim is void if an epoch newer than the one it follows stands before
 *   it, known from a claim or from any progress that bears it (the claim itself may have been compacted away).
 * - Of progress records the one with the highest (epoch, number) holds, wherever it stands in the log.
 */
export interface Ownership {
  /** The newest valid epoch; `NO_EPOCH` when there is none. */
  readonly epoch: number;
  /** The process of that epoch; null when there is none. */
  readonly processId: string | null;
  /** The claim of that epoch; null when there is none, or when it was compacted away. */
  readonly claim: OwnershipClaim | null;
  /** The progress that holds; null when there is none. It may be of an older epoch. */
  readonly progress: OwnershipProgress | null;
  /** The owner of `epoch` has written that it is done with the partition. */
  readonly released: boolean;
}

/** A fold of `ownership` that records are added to as they are read, in offset order. */
export interface OwnershipFold extends Ownership {
  apply(record: OwnershipRecord): OwnershipNews;
}

/** A fold that has read nothing yet. */
export function createOwnershipFold(): OwnershipFold {
  let progress: OwnershipProgress | null = null;
  let proven: { readonly epoch: number; readonly processId: string } = { epoch: NO_EPOCH, processId: '' };
  let releasedEpoch = NO_EPOCH;
  // Claims at or after the newest proven epoch. Older ones cannot matter: that epoch stands before all that follow.
  let claims: readonly ClaimAt[] = [];
  let owner = judge(claims, proven);

  const applyClaim = (offset: number, value: Buffer): OwnershipNews => {
    const claim = readClaim(value, offset);
    claims = [...claims, { offset, claim }];
    owner = judge(claims, proven);
    return { kind: 'claim', valid: owner.epoch === offset, claim };
  };
  const applyProgress = (offset: number, value: Buffer): OwnershipNews => {
    const next = readProgress(value, offset);
    const highest = progress === null || compareProgress(next, progress) > 0;
    if (highest) progress = next;
    if (next.released) releasedEpoch = Math.max(releasedEpoch, next.epoch);
    if (next.epoch > proven.epoch) {
      proven = next;
      claims = claims.filter((candidate) => candidate.offset >= next.epoch);
      owner = judge(claims, proven);
    }
    return { kind: 'progress', highest, progress: next };
  };
  return {
    get epoch() {
      return owner.epoch;
    },
    get processId() {
      return owner.processId;
    },
    get claim() {
      return owner.claim;
    },
    get progress() {
      return progress;
    },
    get released() {
      return owner.epoch !== NO_EPOCH && owner.epoch === releasedEpoch;
    },
    apply: (record) => applyReadable(record, applyClaim, applyProgress),
  };
}

/** Who owns a partition whose whole log is `records`, in offset order, and what in it cannot be read. */
export function foldOwnership(
  records: Iterable<OwnershipRecord>,
): Ownership & { readonly problems: readonly OwnershipProblem[] } {
  const fold = createOwnershipFold();
  const problems: OwnershipProblem[] = [];
  for (const record of records) {
    const news = fold.apply(record);
    if (news.kind === 'problem') problems.push(news.problem);
  }
  const { epoch, processId, claim, progress, released } = fold;
  return { epoch, processId, claim, progress, released, problems };
}

/** Above 0: `a` is newer than `b`. 0: the same record, or a copy of it. */
export function compareProgress(a: OwnershipProgress, b: OwnershipProgress): number {
  return a.epoch - b.epoch || a.number - b.number;
}

/** Whether a process that the group has named may claim now. */
export type ClaimVerdict =
  | { readonly may: true; readonly why: 'no_owner' | 'own_reign' | 'released' | 'left' | 'waited' }
  /** Not yet. `waitMs`: until it may whatever the last owner does. Ask again on every news of the partition and of the group. */
  | { readonly may: false; readonly waitMs: number };

/**
 * Silence is not death: the last owner is out of the way only when it has written `released`, when the group no longer
 * lists it, or when the time that it may use for draining has passed.
 * @param facts.processId our own, without `.<n>`: a reign of ours that has ended stands in nobody's way, and all that began
 *   before a membership was lost have ended with it
 * @param facts.members client ids that the group lists, asked for after our join; null when it was not asked yet
 * @param facts.joinedAt when the group named us, and `facts.now`: monotonic milliseconds
 */
export function mayClaim(facts: {
  readonly ownership: Ownership;
  readonly processId: string;
  readonly members: readonly string[] | null;
  readonly joinedAt: number;
  readonly now: number;
}): ClaimVerdict {
  const { ownership, processId, members, joinedAt, now } = facts;
  const last = ownership.processId;
  if (last === null) return { may: true, why: 'no_owner' };
  if (isSameProcess(last, processId)) return { may: true, why: 'own_reign' };
  if (ownership.released) return { may: true, why: 'released' };
  if (members !== null && !members.includes(last)) return { may: true, why: 'left' };
  const waitMs = joinedAt + drainLimitMs() + limits.drainSlackMs - now;
  return waitMs <= 0 ? { may: true, why: 'waited' } : { may: false, waitMs };
}

/** Whether a client id is this process's: its id, with `.<n>` since the group has taken it for dead n times. */
export function isSameProcess(clientId: string, processId: string): boolean {
  return clientId === processId || clientId.startsWith(`${processId}.`);
}

/** The value of a claim record. */
export function encodeClaim(claim: OwnershipClaim): Buffer {
  const { processId, randomId, followsEpoch } = claim;
  return encodedBytes(Claim.encode({ processId, randomId, followsEpoch: BigInt(followsEpoch) }));
}

/** The value of a progress record. */
export function encodeProgress(progress: OwnershipProgress): Buffer {
  return Buffer.from(
    Progress.encode({
      epoch: BigInt(progress.epoch),
      number: BigInt(progress.number),
      processId: progress.processId,
      released: progress.released,
      intake: [...progress.intake].map(([topic, { watermark, doneAbove, topicId = '', sinceEpoch = 0 }]) => ({
        topic,
        watermark: BigInt(watermark),
        doneAbove,
        topicId,
        sinceEpoch: BigInt(sinceEpoch),
      })),
      tiers: [...progress.tiers].map(([topic, loadFrom]) => ({ topic, loadFrom: BigInt(loadFrom) })),
      holds: [...progress.holds],
      rowEpochBase: BigInt(progress.rowEpochBase ?? 0),
      address: progress.address ?? '',
    }).finish(),
  );
}

interface ClaimAt {
  readonly offset: number;
  readonly claim: OwnershipClaim;
}

/** The owner: the last valid claim, or the newest epoch that a progress bears if that is newer. */
function judge(
  claims: readonly ClaimAt[],
  proven: { readonly epoch: number; readonly processId: string },
): { readonly epoch: number; readonly processId: string | null; readonly claim: OwnershipClaim | null } {
  let last: ClaimAt | null = null;
  for (const candidate of claims) {
    const before = Math.max(last?.offset ?? NO_EPOCH, proven.epoch < candidate.offset ? proven.epoch : NO_EPOCH);
    if (candidate.claim.followsEpoch >= before) last = candidate;
  }
  if (last !== null && last.offset > proven.epoch) {
    return { epoch: last.offset, processId: last.claim.processId, claim: last.claim };
  }
  if (proven.epoch === NO_EPOCH) return { epoch: NO_EPOCH, processId: null, claim: null };
  const claim = claims.find(({ offset }) => offset === proven.epoch)?.claim ?? null;
  return { epoch: proven.epoch, processId: proven.processId, claim };
}

function applyReadable(
  { offset, key, value }: OwnershipRecord,
  applyClaim: (offset: number, value: Buffer) => OwnershipNews,
  applyProgress: (offset: number, value: Buffer) => OwnershipNews,
): OwnershipNews {
  if (value === null) return { kind: 'nothing' };
  const name = key?.toString('utf8') ?? '';
  const problem = (code: OwnershipProblem['code'], detail: string): OwnershipNews => ({
    kind: 'problem',
    problem: { offset, code, detail },
  });
  try {
    if (name === OWNER_KEY) return applyClaim(offset, value);
    if (name === PROGRESS_KEY) return applyProgress(offset, value);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return problem(name === OWNER_KEY ? 'claim_unreadable' : 'progress_unreadable', detail);
  }
  return problem('key_unknown', `a record of \`ownership\` has the key ${JSON.stringify(name.slice(0, 64))}`);
}

function readClaim(value: Buffer, offset: number): OwnershipClaim {
  const { processId, randomId, followsEpoch } = Claim.decode(value);
  // What it follows stands before it: anything else would be valid whatever stands between.
  if (processId === '' || followsEpoch < BigInt(NO_EPOCH) || followsEpoch >= BigInt(offset)) {
    throw new PostriderError(
      'claim_unreadable',
      `a claim of "${processId}" at offset ${offset} follows ${followsEpoch}`,
    );
  }
  return { processId, randomId: Buffer.from(randomId), followsEpoch: Number(followsEpoch) };
}

function readProgress(value: Buffer, offset: number): OwnershipProgress {
  const { epoch, number, processId, released, intake, tiers, holds, rowEpochBase, address } = Progress.decode(value);
  // The epoch is the offset of a claim before it: a higher one would bar every later claim.
  if (processId === '' || epoch < 0n || epoch >= BigInt(offset)) {
    throw new PostriderError('progress_unreadable', `a progress of "${processId}" at offset ${offset} bears ${epoch}`);
  }
  return {
    epoch: Number(epoch),
    number: asNumber('number', number),
    processId,
    released,
    intake: new Map(
      intake.map(({ topic, watermark, doneAbove, topicId, sinceEpoch }) => [
        topic,
        {
          watermark: asNumber(`watermark of ${topic}`, watermark),
          doneAbove: doneBytes(topic, doneAbove),
          topicId,
          sinceEpoch: asNumber(`since_epoch of ${topic}`, sinceEpoch),
        },
      ]),
    ),
    tiers: new Map(tiers.map(({ topic, loadFrom }) => [topic, asNumber(`load_from of ${topic}`, loadFrom)])),
    holds: holds.map(({ endpointId, endpointRevision }) => ({ endpointId, endpointRevision })),
    rowEpochBase: asNumber('row_epoch_base', rowEpochBase),
    address,
  };
}

/** No owner remembers more than this above its watermark; whoever adopted more could not go on from it. */
function doneBytes(topic: string, doneAbove: Uint8Array): Buffer {
  if (doneAbove.length * 8 <= limits.offsetRangeMax * MARK_FACTOR) return Buffer.from(doneAbove);
  throw new PostriderError('progress_unreadable', `done_above of ${topic} has ${doneAbove.length} bytes`);
}

function asNumber(what: string, value: bigint): number {
  if (value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new PostriderError('progress_unreadable', `${what} is ${value}`);
}
