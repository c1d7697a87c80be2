import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { createRangeWatch, limits, type Clock, type RangeVerdict } from '@postrider/core';
import { crowdedPlan, isInTheWay, waitFor } from './intake.ts';
import { isQuiet, mayStart } from './lane.ts';
import { createSweep } from './sweep.ts';
import type { IntakeLedger, IntakeTopic } from './intake-ledger.ts';
import type { Lane } from './lane.ts';
import type { Lanes } from './lanes.ts';
import type { Ordering } from './ordering.ts';
import type { Reign } from './reign.ts';
import type { Slices } from './slices.ts';
import type { Scheduler } from './scheduler.ts';
import type { IntakeOffset, Work } from './work.ts';
import type { WorkTable } from './work-table.ts';

/** Frees an offset range that some lanes hold up, so that they cannot hold up the partition's others. */
export interface StuckHead {
  /** Called every second. */
  tick(): void;
}

/** What freeing the head needs. */
export interface StuckHeadOptions {
  readonly topic: IntakeTopic;
  readonly ledger: IntakeLedger;
  readonly table: WorkTable;
  readonly lanes: Pick<Lanes, 'all'>;
  readonly ordering: Pick<Ordering, 'isBehindWaiting'>;
  readonly reign: Pick<Reign, 'draining' | 'over'>;
  readonly scheduler: Pick<Scheduler, 'hasRoom' | 'isIdle'>;
  readonly slices: Slices;
  readonly clock: Clock;
}

/**
 * What is open in the older half of a range that is held up: queued, it is put; in flight, it gets a guard row, due after
 * the request's longest deadline, which is overwritten or removed when the attempt ends. Where lanes hold it up, only
 * those are meant that can do no more than they do, and of a backlog only those that are quiet, or that wait behind a row; while the
 * process itself can do no more, none are. Thousands of them are put in slices: what others send does not wait for it.
 */
export function createStuckHead(options: StuckHeadOptions): StuckHead {
  const { topic, ledger, table, lanes, reign, scheduler, clock } = options;
  const watch = createRangeWatch();
  const bulk = topic === 'deliveries.bulk';
  /** What guard rows were written for: a row that its tier has not taken yet, or never takes, is not written again. */
  const guarded = new WeakSet<readonly IntakeOffset[]>();

  let verdict: RangeVerdict = 'nothing';
  let below = 0;
  const sweep = createSweep<Work>({
    ...{ slices: options.slices, perStep: 16 },
    mayGoOn: () => !reign.draining && reign.over === null,
    act(work) {
      const { lane } = work;
      if (lane === null || !isMeant(work, lane)) return;
      if (work.open.some((at) => at.bulk === bulk && at.offset < below)) freeOne(work, lane);
    },
  });

  function isMeant(work: Work, lane: Lane): boolean {
    if (verdict === 'head') return true;
    if (!scheduler.hasRoom) return false;
    const startsNext = work.queuedIn !== null && work.queuedIn !== 'held';
    if (isInTheWay(work, lane, startsNext, options)) return true;
    return verdict === 'lanes' && !(startsNext && mayStart(lane, clock.monotonic()));
  }

  function isAnyMeant(): boolean {
    const now = clock.monotonic();
    return lanes.all().some((lane) => lane.held.size > 0 || isQuiet(lane, now, false));
  }

  function freeOne(work: Work, lane: Lane): void {
    if (work.queuedIn !== null) {
      if (table.mayPut(work)) table.put(work, crowdedPlan(work.queuedIn !== 'held', lane, clock));
      return;
    }
    if (work.state !== 'flying' || guarded.has(work.open)) return;
    guarded.add(work.open);
    const now = clock.now();
    table.guard(work, waitFor(WaitReason.GUARD, now + limits.attemptTimeoutMaxMs + limits.drainSlackMs, now));
  }

  return {
    tick() {
      const range = ledger.range(topic);
      const found = watch.judge(range, clock.monotonic(), scheduler.isIdle);
      if (found === 'nothing' || (found === 'backlog' && !isAnyMeant())) return;
      verdict = found;
      below = range.watermark + range.size / 2;
      sweep.run(table.works.values());
    },
  };
}
