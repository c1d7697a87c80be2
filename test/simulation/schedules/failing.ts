import { DAY, HOUR, MINUTE, SECOND, type EndpointPlan, type Plan } from '../plan.ts';
import { eventAt, eventsEvery } from './plans.ts';
import type { Schedule } from './schedule.ts';

/** Endpoints that fail by themselves or because nobody is reached: no write goes wrong. */
export const failingSchedules: readonly Schedule[] = [
  {
    name: 'failing-endpoint',
    about: 'an endpoint fails for hours while events for it keep coming and retries fall due together',
    delaysMs: [20 * SECOND, 20 * SECOND, 20 * SECOND, 5 * MINUTE, 5 * MINUTE, HOUR],
    steps: [],
    plan: (small, random) => ({
      ...small,
      temper: 'calm',
      endpoints: small.endpoints.map((one, at) =>
        at === 0 ? { ...one, manner: random.pick(['failing', 'slow-failing']), concurrencyMax: 16 } : one,
      ),
      events: eventsEvery(5 * SECOND, HOUR, ['acme']),
      activeMs: 90 * MINUTE,
    }),
  },
  {
    name: 'fails-for-days',
    about: 'an endpoint answers nothing but 500 for three days, as long as its deliveries are retried',
    delaysMs: [
      5 * SECOND,
      30 * SECOND,
      2 * MINUTE,
      10 * MINUTE,
      30 * MINUTE,
      HOUR,
      3 * HOUR,
      6 * HOUR,
      12 * HOUR,
      DAY,
      DAY,
    ],
    manner: 'failing',
    steps: [],
    plan: (small) => ({
      ...small,
      temper: 'calm',
      events: eventsEvery(20 * MINUTE, DAY, ['acme']),
      activeMs: 4.5 * DAY,
    }),
  },
  {
    name: 'cut-off',
    about: 'a process with endpoints of four tenants reaches none of them for some minutes, several times',
    delaysMs: [10 * SECOND, MINUTE, 5 * MINUTE, HOUR],
    steps: [],
    plan: (small, random) => ({
      ...small,
      partitions: 2,
      members: 2,
      tenants: manyTenants,
      endpoints: manyTenants.flatMap((tenant) => endpointsOf(small, tenant, 8, 'good')),
      events: eventsEvery(4 * SECOND, 30 * MINUTE, manyTenants),
      faults: [5, 13, 22].flatMap((minute) => {
        const atMs = minute * MINUTE + random.int(0, MINUTE);
        return [
          { atMs, kind: 'cut-off' as const },
          ...(random.chance(0.3) ? [{ atMs: atMs + MINUTE, kind: random.pick(['roll', 'crash'] as const) }] : []),
        ];
      }),
    }),
  },
  {
    name: 'thousand-dead',
    about: 'a thousand endpoints of one tenant become unreachable together, beside three other tenants that are well',
    delaysMs: [10 * SECOND, 5 * MINUTE],
    steps: [],
    plan: (small, random) => ({
      ...small,
      temper: 'calm',
      tenants: manyTenants,
      endpoints: [
        ...endpointsOf(small, 'acme', 1_000, 'breaks'),
        ...manyTenants.slice(1).flatMap((tenant) => endpointsOf(small, tenant, 2, 'good')),
      ],
      // Shortly before they break, and a while after.
      events: [
        ...[18, 22].map((minute) => eventAt(minute * MINUTE + random.int(0, MINUTE), 'acme')),
        ...eventsEvery(10 * SECOND, 40 * MINUTE, manyTenants.slice(1)),
      ],
    }),
  },
  {
    name: 'once-a-day',
    about: 'an endpoint that gets one event a day fails its first request',
    delaysMs: [30 * SECOND, 30 * SECOND],
    manner: 'reluctant',
    steps: [],
    plan: (small) => ({
      ...small,
      temper: 'calm',
      endpoints: small.endpoints.map((one, at) => (at === 0 ? { ...one, spanMs: 4 * HOUR } : one)),
      events: [1, 2, 3].map((day) => eventAt(day * DAY, 'acme')),
      activeMs: 4 * DAY,
    }),
  },
];

const manyTenants = ['acme', 'globex', 'initech', 'umbrella'];

function endpointsOf(
  { endpoints }: Plan,
  tenant: string,
  count: number,
  manner: EndpointPlan['manner'],
): EndpointPlan[] {
  const [like] = endpoints;
  if (like === undefined) return [];
  return Array.from({ length: count }, (_, i) => ({ ...like, id: `${tenant}-${i}`, tenant, manner }));
}
