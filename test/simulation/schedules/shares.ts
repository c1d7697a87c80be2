import { HOUR, MINUTE, SECOND, type EndpointPlan, type EventPlan, type Plan } from '../plan.ts';
import type { Schedule } from './schedule.ts';

/** Endpoints that wait for the same dispatcher: what some of them do must keep no other waiting. No write goes wrong. */
export const shareSchedules: readonly Schedule[] = [
  {
    name: 'silent-neighbours',
    about: 'sixty endpoints that never answer are sent to beside a few that do, by processes of twenty requests',
    delaysMs: [MINUTE],
    steps: [],
    plan: (small, random) => ({
      ...shared(small, 20),
      endpoints: [
        ...many(small, 60, 'silent', ['order.lost']),
        ...many(small, 4, 'good', ['order.first', 'order.paid']),
      ],
      events: [
        event('order.first', MINUTE),
        ...every(20 * SECOND, 2 * MINUTE, 4 * MINUTE, 'order.lost'),
        ...every(random.int(1, 3) * SECOND, 2 * MINUTE + 10 * SECOND, 4 * MINUTE, 'order.paid'),
      ],
      prompt: { manner: 'good', attempt: 1, withinMs: 3 * SECOND },
    }),
  },
  {
    name: 'due-together',
    about: 'sixty endpoints that take their time are asked again together, by a process that has nothing else to do',
    delaysMs: [MINUTE],
    steps: [],
    plan: (small) => ({
      ...shared(small, 20),
      members: 1,
      endpoints: many(small, 60, 'laborious', ['order.paid']),
      events: [event('order.paid', MINUTE)],
      prompt: { manner: 'laborious', attempt: 2, withinMs: 5 * SECOND },
    }),
  },
];

function shared(small: Plan, inFlightMax: number): Plan {
  return { ...small, temper: 'calm', inFlightMax, activeMs: HOUR };
}

function many(small: Plan, count: number, manner: EndpointPlan['manner'], types: readonly string[]): EndpointPlan[] {
  const [like] = small.endpoints;
  if (like === undefined) return [];
  return Array.from({ length: count }, (_, i) => ({ ...like, id: `${manner}-${i}`, manner, types }));
}

function event(type: string, atMs: number): EventPlan {
  return { ...{ atMs, type, id: `${type}-at-${atMs}` }, tenant: 'acme', subject: 'a', broken: false };
}

function every(everyMs: number, fromMs: number, untilMs: number, type: string): EventPlan[] {
  return Array.from({ length: Math.floor((untilMs - fromMs) / everyMs) }, (_, at) =>
    event(type, fromMs + at * everyMs),
  );
}
