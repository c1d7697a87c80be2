import { PostriderError, type Clock } from '@postrider/core';
import type { Pod } from '../pod.ts';
import type { Parts } from '../parts.ts';
import type { PartitionOwner } from '../partition-owner.ts';

/** A partition that this process owns and works on: what questions are answered from. */
export interface Owned {
  readonly partition: number;
  readonly parts: Parts;
  /** Not all retry tiers are loaded yet. */
  readonly loading: boolean;
  /** It is still this process's, in the same reign. */
  readonly isHeld: () => boolean;
  readonly clock: Clock;
  readonly pod: Pick<Pod, 'pauses' | 'endpoints' | 'view' | 'processId'>;
}

/**
 * The partition, if this process owns it now.
 * @throws PostriderError `unavailable`
 */
export function ownedPartition(owners: ReadonlyMap<number, PartitionOwner>, partition: number, pod: Pod): Owned {
  const owner = owners.get(partition);
  const parts = owner?.state === 'serving' ? (owner.serving?.parts ?? null) : null;
  if (parts === null) {
    const state = owner === undefined ? 'not this process’s' : `in state "${owner.state}" here`;
    throw new PostriderError('unavailable', `partition ${partition} is ${state}; ask again in a moment`);
  }
  const isHeld = (): boolean => owner?.serving?.parts === parts;
  return { partition, parts, loading: !parts.ordering.loaded, isHeld, clock: pod.clock, pod };
}
