import { TIERS, limits, type Clock } from '@postrider/core';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { waitFor } from './intake.ts';
import { createFifo } from './fifo.ts';
import { keptFor, takeArrival, type Lane } from './lane.ts';
import { NO_ROW } from './row-index.ts';
import type { Endings } from './endings.ts';
import type { Ordering } from './ordering.ts';
import type { Reign } from './reign.ts';
import type { Slices } from './slices.ts';
import type { Unsettled } from './unsettled.ts';
import type { Work } from './work.ts';
import type { WorkTable } from './work-table.ts';

/**
 * Walks through what lanes hold when their gates close, a few deliveries at a time: only so many are worked on at once,
 * and everything else has its turn in between. A walk obeys the gate as it is at each step, so it may change on the way.
 *
 * | gate | what the lane holds |
 * |---|---|
 * | `open`, `config`, `way-out` | stays where it is: the walk is over |
 * | `paused` | first attempts are put; rows stay where they are, and are due when they were |
 * | `disabled` | first attempts are put; rows of the shorter tiers, whose wait nobody knows any more, move to the longest |
 * | `cancel` | ends cancelled |
 *
 * What is in flight ends by itself. While a partition is drained nothing begins: its next owner walks anew.
 */
export interface LaneWalks {
  /** The gate of the lane has changed, or it holds more than when it did. */
  follow(lane: Lane): void;
}

/** What walking needs. */
export interface LaneWalksOptions {
  readonly reign: Pick<Reign, 'draining' | 'over'>;
  readonly clock: Clock;
  readonly slices: Slices;
  readonly unsettled: Unsettled;
  readonly table: () => WorkTable;
  readonly endings: Endings;
  readonly ordering: Ordering;
}

/** Where a walk is: the last row that stays where it is; `NO_ROW` at the beginning. */
interface Walk {
  readonly lane: Lane;
  at: number;
}

const LONGEST = TIERS[TIERS.length - 1];
/** Deliveries that are looked at before anything else has a turn. */
const PER_STEP = 16;

/** No walk is under way. */
export function createLaneWalks(options: LaneWalksOptions): LaneWalks {
  const { clock, table, endings, ordering } = options;
  const walks = new Map<Lane, Walk>();
  const turns = createTurns(options, (walk) => {
    const goesOn = walkOne(walk);
    if (!goesOn) walks.delete(walk.lane);
    return goesOn;
  });

  /** One more delivery is on its way to where it belongs. False: there is none. */
  function walkOne(walk: Walk): boolean {
    const { lane } = walk;
    if (lane.gate.kind === 'cancel') {
      const work = takeArrival(lane) ?? firstHeld(lane) ?? firstRow(table(), lane);
      if (work !== undefined) endings.cancel(work, lane.gate.reason);
      return work !== undefined;
    }
    const kept = keptFor(lane.gate);
    if (kept === null) return false;
    // What stands in order is put only when all is known that stands before it.
    const work = takeArrival(lane) ?? (ordering.loaded ? firstHeld(lane) : undefined);
    if (work !== undefined) {
      table().put(work, waitFor(kept, null, clock.now()));
      return true;
    }
    return lane.gate.kind === 'disabled' && ordering.loaded && moveOne(walk);
  }

  function moveOne(walk: Walk): boolean {
    const { rows } = table();
    const row = rows.behind(walk.lane, walk.at);
    if (row === NO_ROW) return false;
    if (rows.tierOf(row) === LONGEST) {
      walk.at = row;
      return true;
    }
    const work = table().takeOut(row);
    const { tier, changes } = waitFor(WaitReason.DISABLED, null, clock.now());
    // When it was due it is due when its endpoint is enabled, and not before.
    table().put(work, { tier, changes: { ...changes, dueAt: work.dueAt === 0 ? null : work.dueAt } });
    return true;
  }

  return {
    follow(lane) {
      if (lane.gate.kind === 'config' || lane.gate.kind === 'way-out') return;
      // What waits is started by its lane, but what was given up may end now.
      if (lane.gate.kind === 'open') return ordering.reconsider(lane);
      const before = walks.get(lane);
      if (before !== undefined) {
        before.at = NO_ROW;
        return;
      }
      const walk = { lane, at: NO_ROW };
      walks.set(lane, walk);
      turns.push(walk);
    },
  };
}

/**
 * Gives each walk its turn, again and again until it is over. All of them share one step and one pause, however many lanes
 * there are.
 */
function createTurns(
  { reign, clock, slices, unsettled, table }: LaneWalksOptions,
  /** Walks on a little. False: the walk is over. */
  goesOn: (walk: Walk) => boolean,
): { push(walk: Walk): void } {
  const turns = createFifo<Walk>();
  let running = false;

  const isBusy = (): boolean => table().active >= limits.walkActiveMax || unsettled.records >= limits.walkUnsettledMax;

  function step(): boolean {
    if (reign.draining || reign.over !== null) return false;
    if (isBusy()) {
      clock.after(limits.walkPauseMs, () => slices.run(step));
      return false;
    }
    const walk = turns.shift();
    running = walk !== undefined;
    if (walk === undefined) return false;
    for (let left = PER_STEP; left > 0 && !isBusy(); left -= 1) {
      if (!goesOn(walk)) return true;
    }
    turns.push(walk);
    return true;
  }

  return {
    push(walk) {
      turns.push(walk);
      if (running) return;
      running = true;
      slices.run(step);
    },
  };
}

/** The first attempt that has waited longest for its turn; it stays where it is until something is done with it. */
function firstHeld(lane: Lane): Work | undefined {
  const [first] = lane.held;
  return first;
}

/** The row that has waited longest, due or not, taken out of those that wait. */
function firstRow(table: WorkTable, lane: Lane): Work | undefined {
  const row = table.rows.behind(lane, NO_ROW);
  return row === NO_ROW ? undefined : table.takeOut(row);
}
