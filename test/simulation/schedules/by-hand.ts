import { HOUR, MINUTE, SECOND } from '../plan.ts';
import { eventsEvery } from './plans.ts';
import type { Schedule } from './schedule.ts';

/** What a person on call does while events keep coming. No write goes wrong. */
export const byHandSchedules: readonly Schedule[] = [
  {
    name: 'held-then-drained',
    about: 'a tenant is held for some minutes and goes on, then a process is drained and another joins',
    delaysMs: [20 * SECOND, MINUTE, 10 * MINUTE],
    manner: 'flaky',
    steps: [],
    plan: (small, random) => {
      const heldAtMs = random.int(2 * MINUTE, 5 * MINUTE);
      const drainedAtMs = random.int(12 * MINUTE, 15 * MINUTE);
      return {
        ...small,
        ...{ temper: 'graceful', partitions: 2, members: 2, activeMs: HOUR },
        tenants: ['acme', 'globex'],
        endpoints: small.endpoints.flatMap((one) => [one, { ...one, id: `globex-${one.id}`, tenant: 'globex' }]),
        events: eventsEvery(3 * SECOND, 20 * MINUTE, ['acme', 'globex']),
        faults: [
          { atMs: heldAtMs, kind: 'hold-tenant' },
          { atMs: heldAtMs + random.int(1, 5) * MINUTE, kind: 'release-tenant' },
          { atMs: drainedAtMs, kind: 'drain-owner' },
          { atMs: drainedAtMs + 2 * MINUTE, kind: 'join' },
        ],
      };
    },
  },
];
