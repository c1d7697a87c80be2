import { MINUTE, SECOND, type EventPlan, type Plan } from '../plan.ts';
import type { Random } from '../random.ts';

/** The endpoint that fails gets one event only; something else is written every so often until then. */
export function onlyOneFails(small: Plan, everyMs: number, untilMs: number): Plan {
  const events = [...small.events.slice(0, 1), ...others(everyMs, untilMs)];
  return { ...small, endpoints: apart(small.endpoints), events };
}

/** What comes right behind the first delivery of a partition is more than may be open behind it. */
export function hangingHead(small: Plan, random: Random): Plan {
  const behind = others(random.int(100, 400), 30 * SECOND).slice(0, 60);
  const events = [...small.events.slice(0, 1), ...behind.map((one) => ({ ...one, atMs: one.atMs + MINUTE }))];
  return { ...small, endpoints: apart(small.endpoints), events };
}

/** Two deliveries of one order, one right after the other, and others that stand in none. */
export function orderedPair(small: Plan): Plan {
  const event = (id: string, atMs: number): EventPlan => ({
    ...{ id, atMs, tenant: 'acme', type: 'order.paid', subject: 'a', broken: false },
  });
  return {
    ...small,
    endpoints: apart(small.endpoints).map((one, at) => (at === 0 ? { ...one, ordering: 'endpoint' } : one)),
    events: [event('first', MINUTE), event('second', MINUTE + SECOND), ...others(MINUTE, 20 * MINUTE)],
    activeMs: 30 * MINUTE,
  };
}

/** All but the first endpoint want another type of events. */
function apart(endpoints: Plan['endpoints']): Plan['endpoints'] {
  return endpoints.map((one, at) => (at === 0 ? one : { ...one, types: ['order.sent'] }));
}

function others(everyMs: number, untilMs: number): EventPlan[] {
  return Array.from({ length: Math.floor(untilMs / everyMs) }, (_, at) => ({
    atMs: (at + 1) * everyMs,
    ...{ id: `other-${at}`, tenant: 'acme', type: 'order.sent', subject: 'a', broken: false },
  }));
}

/** One event of the tenant. */
export function eventAt(atMs: number, tenant: string): EventPlan {
  return { ...{ atMs, tenant, id: `${tenant}-at-${atMs}` }, type: 'order.paid', subject: 'a', broken: false };
}

/** Each time one of another tenant. */
export function eventsEvery(everyMs: number, untilMs: number, tenants: readonly string[]): EventPlan[] {
  return Array.from({ length: Math.floor(untilMs / everyMs) }, (_, at) =>
    eventAt((at + 1) * everyMs, tenants[at % tenants.length] ?? ''),
  );
}
