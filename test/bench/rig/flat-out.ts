import { setTimeout as delay } from 'node:timers/promises';
import type { BenchLoad } from './load.ts';
import type { LoadTarget } from './rig.ts';

/** More than any machine takes: the pace of a load that is held back only by what is on its way. */
export const FLAT_OUT_PER_SECOND = 200_000;
const LOOK_MS = 10;

/** Tells a load with `outstandingMax` how much has arrived, until it is over. */
export async function tellArrivals(
  { sink }: Pick<LoadTarget, 'sink'>,
  load: BenchLoad,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    await load.arrived((await sink.counts()).requests);
    await delay(LOOK_MS);
  }
}
