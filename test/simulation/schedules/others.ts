import type { EventPlan } from '../plan.ts';

/** Events of another type, so that there is always something to write. */
export function others(everyMs: number, untilMs: number): EventPlan[] {
  return Array.from({ length: Math.floor(untilMs / everyMs) }, (_, at) => ({
    atMs: (at + 1) * everyMs,
    ...{ id: `other-${at}`, tenant: 'acme', type: 'order.sent', subject: 'a', broken: false },
  }));
}
