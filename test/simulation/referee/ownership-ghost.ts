import type { Tier } from '@postrider/core';
import { fieldsOf } from './wire.ts';

/** What a progress record says of one topic of intake. */
interface Done {
  readonly watermark: number;
  readonly above: Buffer;
}

export interface ProgressGhost {
  readonly epoch: number;
  readonly number: number;
  readonly released: boolean;
  readonly topics: ReadonlyMap<string, Done>;
  /** From where each tier may be loaded. */
  readonly tiers: ReadonlyMap<Tier, number>;
}

/** Who owns one partition and what is done, as far as its log goes: the rules of claims and progress, written a second time. */
export interface OwnershipGhost {
  /** The newest valid epoch; -1 when there is none. */
  readonly epoch: number;
  readonly processId: string;
  /** Whether the owner of an epoch has released it. */
  released(epoch: number): boolean;
  /** A claim at this offset; whether it is valid. */
  claim(offset: number, value: Buffer): boolean;
  /** A progress; whether it holds now. */
  progress(value: Buffer): ProgressGhost & { readonly holds: boolean };
  isDone(topic: string, offset: number): boolean;
}

export function createOwnershipGhost(): OwnershipGhost {
  const releasedEpochs = new Set<number>();
  let epoch = -1;
  let processId = '';
  let proven = -1;
  let best: ProgressGhost | null = null;
  return {
    get epoch() {
      return epoch;
    },
    get processId() {
      return processId;
    },
    released: (of) => releasedEpochs.has(of),
    claim(offset, value) {
      const fields = fieldsOf(value);
      const follows = fields.number(3);
      if (follows < Math.max(epoch, proven)) return false;
      epoch = offset;
      // The same process, however often the group has taken it for dead.
      processId = fields
        .bytes(1)
        .toString()
        .replace(/\.\d+$/, '');
      return true;
    },
    progress(value) {
      const read = readProgress(value);
      proven = Math.max(proven, read.epoch);
      if (read.released) releasedEpochs.add(read.epoch);
      const holds =
        best === null || read.epoch > best.epoch || (read.epoch === best.epoch && read.number > best.number);
      if (holds) best = read;
      return { ...read, holds };
    },
    isDone(topic, offset) {
      const done = best?.topics.get(topic);
      if (done === undefined) return false;
      if (offset < done.watermark) return true;
      const bit = offset - done.watermark;
      return (((done.above[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
    },
  };
}

/** A progress record, field by field. */
export function readProgress(value: Buffer): ProgressGhost {
  const fields = fieldsOf(value);
  const topics = new Map<string, Done>();
  for (const intake of fields.messages(5))
    topics.set(intake.bytes(1).toString(), { watermark: intake.number(2), above: intake.bytes(3) });
  const tiers = new Map<Tier, number>();
  for (const tier of fields.messages(6)) tiers.set(tier.bytes(1).toString() as Tier, tier.number(2));
  return { epoch: fields.number(1), number: fields.number(2), released: fields.number(4) === 1, topics, tiers };
}
