import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { waitFor } from './intake.ts';
import { takeArrival, type Lane } from './lane.ts';
import type { Clock } from '@postrider/core';
import type { Endings } from './endings.ts';
import type { Ordering } from './ordering.ts';
import type { Work } from './work.ts';
import type { WorkTable } from './work-table.ts';

/** What following a gate needs. */
export interface GateContext {
  readonly lane: Lane;
  readonly table: WorkTable;
  readonly endings: Endings;
  readonly ordering: Ordering;
  readonly clock: Clock;
}

/** A lane's gate has changed: what it holds goes on, waits, or ends. Requests in flight are left to end by themselves. */
export function followGate({ lane, table, endings, ordering, clock }: GateContext): void {
  const { gate } = lane;
  switch (gate.kind) {
    case 'config':
      // It opens again in a moment; meanwhile everything stays where it is.
      return;
    case 'open':
      // What waits stays where it is: an open lane starts what is due by itself. But what was given up may end now.
      return ordering.reconsider(lane);
    case 'disabled':
      for (const work of [...arrivals(lane), ...lane.held]) {
        if (table.mayPut(work)) table.put(work, waitFor(WaitReason.DISABLED, null, clock.now()));
      }
      return;
    case 'cancel':
      for (const work of [...arrivals(lane), ...lane.held]) endings.cancel(work, gate.reason);
      for (let work = table.takeWaiting(lane); work !== undefined; work = table.takeWaiting(lane))
        endings.cancel(work, gate.reason);
  }
}

function arrivals(lane: Lane): Work[] {
  const taken: Work[] = [];
  for (let work = takeArrival(lane); work !== undefined; work = takeArrival(lane)) taken.push(work);
  return taken;
}
