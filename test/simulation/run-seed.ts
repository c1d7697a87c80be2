import { DAY, HOUR, KNOWN_MS, MINUTE, planOf, type Plan } from './plan.ts';
import { createSimulation, type RunOptions, type Simulation } from './simulation.ts';
import { assertLimitsFor } from './narrow-limits.ts';
import type { CoverageCounts } from './coverage.ts';
import type { Problem } from './referee/referee.ts';

/** How a seed went. */
export interface SeedResult {
  readonly seed: number;
  readonly problems: readonly Problem[];
  readonly coverage: CoverageCounts;
  readonly deliveries: number;
  readonly requests: number;
  readonly virtualHours: number;
  readonly traceHash: string;
  /** Every step, when asked for. */
  readonly lines: readonly string[];
}

/** After the faults everything must have ended within the longest schedule, and this. */
const QUIET_SLACK_MS = 2 * HOUR;
/** Bad input and cancelled work aside, a delivery has ended this soon after its expiry. */
const EXPIRY_SLACK_MS = 15 * MINUTE;

/** How often is looked whether everything has ended. */
const LOOK_EVERY_MS = 10 * MINUTE;

/** Runs one seed to its end: faults, then quiet, then everything killed, compacted and started again. */
export async function runSeed(
  seed: number,
  options: { readonly trace: boolean } = { trace: false },
): Promise<SeedResult> {
  return runPlan(planOf(seed), options);
}

/** The same for a plan that was made by hand. */
export async function runPlan(plan: Plan, options: RunOptions): Promise<SeedResult> {
  assertLimitsFor(plan.narrow);
  const simulation = createSimulation(plan, options);
  const { clock, referee, coverage } = simulation;
  simulation.begin();
  await clock.advance(plan.activeMs);
  simulation.calmDown();
  await untilQuiet(simulation);
  if (referee.problems.length === 0) judgeQuiet(simulation, plan);
  if (referee.problems.length === 0) await epilogue(simulation);
  const cases = [...referee.cases.values()];
  coverage.count('deliveries', cases.length);
  return {
    seed: plan.seed,
    problems: referee.problems,
    coverage: coverage.counts,
    deliveries: cases.length,
    requests: cases.reduce((sum, { sends }) => sum + sends, 0),
    virtualHours: simulation.elapsed() / HOUR,
    traceHash: simulation.traceHash(),
    lines: simulation.lines,
  };
}

async function untilQuiet({ clock, referee }: Simulation): Promise<void> {
  const expiries = [...referee.cases.values()]
    .filter((one) => referee.unfinished(one))
    .map(({ lastExpiresAt }) => lastExpiresAt);
  const limit = Math.max(clock.now(), ...expiries) + QUIET_SLACK_MS;
  while (!referee.settled && referee.problems.length === 0) {
    if (clock.now() > limit) {
      const left = [...referee.cases.values()].filter((one) => referee.unfinished(one));
      referee.problem(
        'not-quiet',
        `${left.length} deliveries are not settled, such as ${JSON.stringify(left[0], (_key, value: unknown) => (value instanceof Map ? [...value] : value))}`,
      );
    }
    await clock.advance(LOOK_EVERY_MS);
  }
  await clock.advance(MINUTE);
}

/** Everything has ended: did it end rightly? */
function judgeQuiet({ referee, customers, fleet, leftOut }: Simulation, plan: Plan): void {
  for (const one of referee.cases.values()) {
    if (one.endedAt > Math.max(one.lastExpiresAt, referee.calmAt) + EXPIRY_SLACK_MS)
      referee.problem('ended-late', `${one.key} ended ${one.endedAt - one.lastExpiresAt} ms after it expired`);
    if (plan.temper === 'faulty') continue;
    const successes = one.successes - one.lostAnswers;
    if (successes > 1 || one.repeats > 0 || one.early > 0)
      referee.problem(
        'repeated-without-fault',
        `${one.key}: ${successes} successes, ${one.repeats} repeats, ${one.early} early`,
      );
  }
  const byEvent = new Set([...referee.cases.values()].map(({ eventId, endpointUid }) => `${eventId} ${endpointUid}`));
  for (const { id, tenant, type, broken, atMs } of plan.events) {
    if (leftOut.has(id)) continue;
    if (broken && !referee.quarantined.has(`{"id":"${id}"}`)) referee.problem('quarantine', `${id} is nowhere`);
    if (broken) continue;
    for (const { plan: endpoint, uid, untouched } of customers.endpoints)
      if (
        untouched &&
        atMs > (endpoint.createdAtMs ?? -KNOWN_MS) + KNOWN_MS &&
        endpoint.tenant === tenant &&
        endpoint.types.includes(type) &&
        !byEvent.has(`${id} ${uid}`)
      )
        referee.problem('event-lost', `${id} was never routed to ${uid}`);
  }
  for (const pod of fleet.living('dispatcher')) {
    for (const gauge of ['postrider_requests_in_flight', 'postrider_queued_bytes', 'postrider_waiting_deliveries']) {
      const held = pod.gauges.read(gauge);
      if (held !== 0) referee.problem('memory', `${pod.id} holds ${gauge} ${held} after everything has ended`);
    }
  }
}

/** Everybody is killed, the logs are compacted as far as the broker ever would, and all starts again: nothing is sent. */
async function epilogue(simulation: Simulation): Promise<void> {
  const { clock, fleet, referee } = simulation;
  referee.epilogue = true;
  for (const pod of fleet.living()) fleet.kill(pod);
  if (clock.timers > 50) referee.problem('timers', `${clock.timers} timers are left with nobody alive`);
  await clock.advance(2 * DAY + HOUR);
  simulation.compact();
  fleet.start('router');
  fleet.start('dispatcher');
  await clock.advance(5 * MINUTE);
  if (!referee.settled) referee.problem('epilogue', 'after a start from compacted logs something waits again');
  for (const pod of fleet.living()) fleet.kill(pod);
}
