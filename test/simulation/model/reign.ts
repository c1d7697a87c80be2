import {
  INTAKES,
  TIERS,
  type Intake,
  type Origin,
  type Row,
  type Tier,
  type TierRecord,
  type Version,
} from './records.ts';

/** What an owner knows of a key in a tier: its own last write until it has read it, or the row it loaded. */
export interface Known extends Version {
  readonly row: boolean;
  read: boolean;
  acked: boolean;
}

/** A delivery in an owner's hands. */
export interface Work {
  readonly key: string;
  origin: Origin;
  attempts: number;
  due: number;
  /** Records of it that were read and are not done. */
  open: Origin[];
  /** Where its row is. */
  tier: Tier | null;
  /** Where the row is that was written while its request is open. */
  guard: Tier | null;
  /** The record of the attempt that its next row counts is not acknowledged. */
  resultOpen: boolean;
  state: 'idle' | 'flying' | 'putting' | 'ending';
}

/** The newest of a key so far while a tier is loaded. */
export interface Candidate {
  readonly top: TierRecord;
  last: TierRecord;
  /** A row stands behind the newest. */
  rowBehind: boolean;
}

/** A row in the log, by its last acknowledged or loaded record. */
export interface Standing extends Version {
  readonly offset: number;
}

/** The end of a tier as it was noted once, on its way to being an offset below which nothing can matter. */
export interface NotedEnd {
  readonly end: number;
  /** The writes of this reign that were handed over before. */
  readonly writtenBefore: number;
  /** Set when those are acknowledged. */
  settledAt: number | null;
  /** Set when nothing that was on its way then can land any more: where the tier ended. */
  readUntil: number | null;
  /** Set when all that is read: the writes of this reign that must be acknowledged. */
  writtenUntil: number | null;
}

export type Phase = 'claiming' | 'claimed' | 'adopted' | 'first-progress' | 'serving' | 'released';

/** One process's ownership of the partition. */
export interface Reign {
  /** Offset of the claim. */
  epoch: number;
  readonly follows: number;
  phase: Phase;
  draining: boolean;
  /** Counts the tier writes. */
  n: number;
  /** Counts the progress records. */
  progressNumber: number;
  /** By topic of intake: what is read next, what is done, and where the topic ended at the claim. */
  readonly position: [number, number];
  readonly done: [Set<number>, Set<number>];
  intakeEnds: readonly [number, number];
  readonly works: Map<string, Work>;
  /** By tier. */
  readonly known: readonly Map<string, Known>[];
  readonly loading: readonly Map<string, Candidate>[];
  readonly read: [number, number, number];
  ends: readonly number[];
  readonly loaded: [boolean, boolean, boolean];
  /** By tier: the rows that stand in the log. */
  readonly standing: readonly Map<string, Standing>[];
  /** By tier: the end that is noted, and the last one that counts. */
  readonly noted: [NotedEnd | null, NotedEnd | null, NotedEnd | null];
  readonly counted: [number, number, number];
  /** By tier: as last adopted or written. */
  readonly loadFrom: [number, number, number];
  /** Keys that ended, or were done before. */
  readonly recent: Set<string>;
  /** Something is news for the next progress. */
  dirty: boolean;
  /** Writes that are not acknowledged. */
  writing: number;
  ownershipRead: number;
  /** The highest number of its own progress records that it has read. */
  ownProgressRead: number;
}

export function createReign(follows: number): Reign {
  return {
    epoch: -1,
    follows,
    phase: 'claiming',
    draining: false,
    n: 0,
    progressNumber: 0,
    position: [0, 0],
    done: [new Set(), new Set()],
    intakeEnds: [0, 0],
    works: new Map(),
    known: TIERS.map(() => new Map()),
    loading: TIERS.map(() => new Map()),
    read: [0, 0, 0],
    ends: [0, 0, 0],
    loaded: [false, false, false],
    standing: TIERS.map(() => new Map()),
    noted: [null, null, null],
    counted: [0, 0, 0],
    loadFrom: [0, 0, 0],
    recent: new Set(),
    dirty: false,
    writing: 0,
    ownershipRead: 0,
    ownProgressRead: 0,
  };
}

export function knownOf(reign: Reign, tier: Tier | null, key: string): Known | undefined {
  return tier === null ? undefined : reign.known[tier]?.get(key);
}

export function isAllLoaded(reign: Reign): boolean {
  return reign.loaded.every(Boolean);
}

export function rowOf({ attempts, due, origin }: Work): Row {
  return { attempts, due, origin };
}

export function isBusy(reign: Reign): boolean {
  if (reign.writing > 0) return true;
  for (const { state } of reign.works.values()) if (state !== 'idle') return true;
  return false;
}

/** What is done, as a progress says it. */
export function doneOf(reign: Reign): { readonly watermark: number; readonly above: ReadonlySet<number> }[] {
  return INTAKES.map((intake: Intake) => {
    const done = reign.done[intake];
    let watermark = 0;
    while (done.has(watermark)) watermark += 1;
    return { watermark, above: new Set([...done].filter((offset) => offset > watermark)) };
  });
}
