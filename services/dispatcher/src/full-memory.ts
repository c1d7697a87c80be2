import { crowdedPlan, PUT_AT_BYTES } from './intake.ts';
import { isQuiet, mayStart, openAt, takeArrival, takeBulk, type Lane } from './lane.ts';
import { createSweep, type Sweep } from './sweep.ts';
import { limits, type Clock } from '@postrider/core';
import type { ByteMeter } from './byte-meter.ts';
import type { Lanes } from './lanes.ts';
import type { Reign } from './reign.ts';
import type { Slices } from './slices.ts';
import type { Work } from './work.ts';
import type { WorkTable } from './work-table.ts';

/** Frees memory that is held for lanes which cannot start, so that they cannot hold up the pod's others. */
export interface FullMemory {
  /** Called every second. */
  tick(): void;
}

/** What freeing memory needs. */
export interface FullMemoryOptions {
  readonly meter: ByteMeter;
  /** Of deliveries from `deliveries.bulk` alone. */
  readonly bulkMeter: ByteMeter;
  readonly lanes: Lanes;
  readonly table: WorkTable;
  readonly reign: Pick<Reign, 'draining' | 'over'>;
  readonly slices: Slices;
  readonly clock: Clock;
}

/**
 * A pod that has read nothing for a second because its memory is full: what its lanes hold that stand still is put, the
 * largest first, until there is room; and when hardly any of it was freed for a while, what those hold that may start no more
 * than they do. The same for bulk work alone, whose part of the memory is full. So that endpoints which never answer do not fill
 * it, for nothing is read then of anybody's, what is queued for those is put as soon as half of it is used, and so is what may
 * not start for a while. Many are put in slices: what others send does not wait for it.
 */
export function createFullMemory(options: FullMemoryOptions): FullMemory {
  const { meter, bulkMeter, lanes, table, reign, clock } = options;
  const lookAt = watchOf(limits.podQueuedBytesMax);
  const lookAtBulk = watchOf(limits.podQueuedBytesMax * limits.bulkQueuedFraction);
  const isCrowded = (): boolean => meter.bytes > PUT_AT_BYTES;
  const sweepOf = (isNeeded: () => boolean): Sweep<Putting> =>
    createSweep({
      ...{ slices: options.slices, perStep: 16 },
      mayGoOn: () => isNeeded() && !reign.draining && reign.over === null,
      act({ work, isTurn, lane }) {
        table.put(work, crowdedPlan(isTurn, lane, clock));
      },
    });
  const sweep = sweepOf(() => meter.full);
  const bulkSweep = sweepOf(() => bulkMeter.full);
  const quietSweep = sweepOf(isCrowded);

  const largestFirst = (isMeant: (lane: Lane, now: number) => boolean): Lane[] => {
    const now = clock.monotonic();
    return [...lanes.all()].filter((lane) => isMeant(lane, now)).toSorted((a, b) => b.queuedBytes - a.queuedBytes);
  };
  const standsStill = (lane: Lane, now: number): boolean => lane.queuedBytes > 0 && !mayStart(lane, now);
  const keptBy = (verdict: Verdict): Lane[] =>
    largestFirst(
      (lane, now) => lane.held.size > 0 || (standsStill(lane, now) && (verdict === 'stuck' || lane.inFlight === 0)),
    );
  /** Its endpoint answers nothing, or its rate lets nothing start for as long. */
  const waitsLong = (lane: Lane, now: number): boolean =>
    lane.queuedBytes > 0 && (isQuiet(lane, now, true) || openAt(lane) - now >= limits.crowdedQuietMs);

  return {
    tick() {
      if (isCrowded())
        quietSweep.run(quietArrivals(largestFirst(waitsLong), (lane) => waitsLong(lane, clock.monotonic())));
      const verdict = lookAt(meter, clock.monotonic());
      if (verdict !== 'room') sweep.run(arrivalsOf(keptBy(verdict), table));
      const bulkVerdict = lookAtBulk(bulkMeter, clock.monotonic());
      if (bulkVerdict !== 'room') bulkSweep.run(bulkOf(keptBy(bulkVerdict)));
    },
  };
}

/** A first attempt that was taken out of its queue to be put. */
interface Putting {
  readonly work: Work;
  readonly isTurn: boolean;
  readonly lane: Lane;
}

/** What a lane has queued, one taken after the other, for as long as it is meant. */
function* queuedIn(
  lane: Lane,
  take: typeof takeArrival,
  isMeant: (lane: Lane) => boolean = always,
): Generator<Putting> {
  while (isMeant(lane)) {
    const work = take(lane);
    if (work === undefined) return;
    yield { work, isTurn: true, lane };
  }
}

const always = (): boolean => true;

/** What the lanes have queued from `deliveries.bulk`. */
function* bulkOf(lanes: readonly Lane[]): Generator<Putting> {
  for (const lane of lanes) yield* queuedIn(lane, takeBulk);
}

/** Whatever the lanes have queued of first attempts, while each is quiet: meanwhile it may be answered, and more be read. */
function* quietArrivals(lanes: readonly Lane[], isMeant: (lane: Lane) => boolean): Generator<Putting> {
  for (const lane of lanes) yield* queuedIn(lane, takeArrival, isMeant);
}

/** Whatever the lanes have queued or hold of first attempts, as far as it may be put. */
function* arrivalsOf(lanes: readonly Lane[], table: WorkTable): Generator<Putting> {
  for (const lane of lanes) {
    yield* queuedIn(lane, takeArrival);
    for (const work of lane.held) if (table.mayPut(work)) yield { work, isTurn: false, lane };
  }
}

/** `full`: since the last look at least; `stuck`: and for a while hardly any of it was freed. */
type Verdict = 'room' | 'full' | 'stuck';

/** What works off a backlog needs nothing put. To be asked every second. */
function watchOf(bytesMax: number): (meter: ByteMeter, now: number) => Verdict {
  let since: { readonly at: number; readonly bytes: number } | null = null;
  return ({ full, bytes }, now) => {
    const before = since;
    // More than before: there was room meanwhile.
    if (!full || before === null || bytes > before.bytes) {
      since = full ? { at: now, bytes } : null;
      return 'room';
    }
    if (now - before.at < limits.stuckRangeMs) return 'full';
    since = { at: now, bytes };
    return before.bytes - bytes < bytesMax * limits.stuckMovedFraction ? 'stuck' : 'full';
  };
}
