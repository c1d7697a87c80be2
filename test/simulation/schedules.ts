import { HOUR, MINUTE, SECOND, type EndpointPlan, type Plan } from './plan.ts';
import { crowdedPlan } from './crowded.ts';
import { randomOf } from './random.ts';
import { runPlan, type SeedResult } from './run-seed.ts';
import { byHandSchedules } from './schedules/by-hand.ts';
import { failingSchedules } from './schedules/failing.ts';
import { intakeSchedules } from './schedules/intake.ts';
import { loadFromSchedules } from './schedules/load-from.ts';
import { orderSchedules } from './schedules/order.ts';
import { ownershipSchedules } from './schedules/ownership.ts';
import { rowSchedules } from './schedules/rows.ts';
import { shareSchedules } from './schedules/shares.ts';
import { tierSchedules } from './schedules/tiers.ts';
import type { Schedule } from './schedules/schedule.ts';

const schedules: readonly Schedule[] = [
  ...rowSchedules,
  ...tierSchedules,
  ...loadFromSchedules,
  ...orderSchedules,
  ...ownershipSchedules,
  ...intakeSchedules,
  ...failingSchedules,
  ...shareSchedules,
  ...byHandSchedules,
];

/** No steps, but so much at once that chance meets what it seldom meets in a whole day. */
const crowded = {
  name: 'crowded',
  about: 'a quarter of an hour in which something goes wrong every minute, amid much work',
};

export function scheduleNames(): readonly Pick<Schedule, 'name' | 'about'>[] {
  return [crowded, ...schedules];
}

/** Whether a schedule runs with limits that it can reach. Throws for one that is not listed. */
export function isNarrowSchedule(name: string): boolean {
  return name !== crowded.name && scheduleOf(name).narrow === true;
}

function scheduleOf(name: string): Schedule {
  const schedule = schedules.find((one) => one.name === name);
  if (schedule === undefined) throw new Error(`there is no schedule ${name}; --list names them`);
  return schedule;
}

/** Runs a schedule once; seeds differ in times, latencies and jitter. Throws for one that is not listed. */
export async function runSchedule(
  name: string,
  seed: number,
  options: { readonly trace: boolean },
): Promise<SeedResult> {
  if (name === crowded.name) return runPlan(crowdedPlan(seed), options);
  const schedule = scheduleOf(name);
  return runPlan(planFor(schedule, seed), { ...options, steps: schedule.steps });
}

/** A small installation: the followed delivery is the first one for the endpoint that fails. */
function planFor({ delaysMs, manner, narrow, plan = (small) => small }: Schedule, seed: number): Plan {
  const random = randomOf(seed, 'schedule');
  const endpoint = (id: string, manner: EndpointPlan['manner']): EndpointPlan => ({
    ...{ id, manner, delaysMs, tenant: 'acme', types: ['order.paid'], spanMs: null, ordering: 'none' },
    ...{ onExhausted: 'skip', ratePerMinute: 0, timeoutMs: 15 * SECOND, concurrencyMax: 4, changes: false },
  });
  const small: Plan = {
    seed,
    temper: 'faulty',
    narrow: narrow === true,
    partitions: 1,
    brokers: random.pick([1, 3]),
    members: 3,
    sessionMs: 30 * SECOND,
    tenants: ['acme'],
    endpoints: [endpoint('e0', manner ?? random.pick(['failing', 'slow-failing'])), endpoint('e1', 'good')],
    events: Array.from({ length: random.int(1, 4) }, (_, i) => ({
      atMs: MINUTE + (i === 0 ? 0 : random.int(1, 5 * MINUTE)),
      ...{ id: `ev-${i}`, tenant: 'acme', type: 'order.paid', subject: 'a', broken: false },
    })),
    faults: [],
    rates: { loseAnswer: 0, loseRequest: 0, late: 0, silence: 0, refuse: 0, ask: 0 },
    activeMs: HOUR,
    latencyMs: random.pick([1, 5, 20]),
  };
  return plan(small, random);
}
