import { joinGroup, type OwnerGroup, type OwnerGroupOptions } from '../group.ts';
import { untilKafkaAnswers, type UntilKafkaAnswers } from '@postrider/config-view';
import type { Drain } from '@postrider/contract/postrider/v1/drain';

/**
 * The group, which this process leaves while it is drained: its partitions go to the others as at a shutdown.
 *
 * | state | goes on to |
 * |---|---|
 * | joined | leaving, when the configuration says that this process is drained |
 * | leaving | left, when every partition is released and the group is left |
 * | left | joined, when it says so no more |
 */
export interface DrainableGroup extends OwnerGroup {
  /** Why this process owns nothing, or soon will; null: it takes part. */
  readonly drain: Drain | null;
}

/** What following drains needs, besides what joining does. */
export interface DrainableGroupOptions extends OwnerGroupOptions {
  readonly waiting: UntilKafkaAnswers;
  readonly onDrain: (drain: Drain | null) => void;
}

/** What failed on the way is tried again after this. */
const TRY_AGAIN_MS = 5_000;

/** Joins; resolves when this process has been named for its first partitions. */
export async function joinDrainableGroup(options: DrainableGroupOptions): Promise<DrainableGroup> {
  const { pod, waiting, onDrain } = options;
  const join = () => untilKafkaAnswers(waiting, () => joinGroup(options));
  let group: OwnerGroup | null = await join();
  let drain: Drain | null = null;
  let stopping = false;
  let changing: Promise<void> | null = null;

  const wanted = (): Drain | null => pod.view.snapshot().drain(pod.processId) ?? null;

  const isBehind = (): boolean => !stopping && (group === null) !== (drain !== null);

  async function follow(): Promise<void> {
    try {
      while (isBehind()) {
        const before = group;
        if (before === null) {
          group = await join();
        } else {
          await before.stop();
          group = null;
        }
      }
    } finally {
      // In the same breath as the last look: what comes later begins anew.
      changing = null;
    }
  }

  function change(): void {
    if (changing !== null || !isBehind()) return;
    changing = follow().catch((error: unknown) => {
      pod.events.kafkaTrouble(error as Error);
      pod.clock.after(TRY_AGAIN_MS, change);
    });
  }

  const look = (): void => {
    const next = wanted();
    if (stopping || (next === null) === (drain === null)) return;
    drain = next;
    onDrain(drain);
    change();
  };
  const unlisten = pod.view.onChange((changes) => {
    if (changes.some(({ kind }) => kind === 'drain')) look();
  });
  look();

  return {
    get owners() {
      return group?.owners ?? new Map();
    },
    get drain() {
      return drain;
    },
    reading: () => group?.reading() ?? { ok: true },
    async stop() {
      stopping = true;
      unlisten();
      await changing;
      await group?.stop();
    },
  };
}
