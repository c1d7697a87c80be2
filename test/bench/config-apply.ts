import { setTimeout as delay } from 'node:timers/promises';
import { revisionReached } from '@postrider/core';
import { quantile } from '../support/quantile.ts';
import { round } from './machine.ts';
import { startBenchPlane } from './plane/start-plane.ts';
import { firstArrivals } from './rig/figures.ts';
import { FLAT_OUT_PER_SECOND, tellArrivals } from './rig/flat-out.ts';
import { keepRigResults } from './rig/rig-results.ts';
import { startRig, type Rig } from './rig/rig.ts';
import { runLoad } from './rig/run.ts';
import { openStage } from './rig/stage.ts';
import type { PlaneClient } from '../../services/control-plane/testing/plane-client.ts';
import type { PlainOptions } from './plain-options.ts';

type Options = PlainOptions<'config-apply'>;

const IDLE_P99_MS_MAX = 300;
const LOADED_P99_MS_MAX = 2_000;
const STREAM = 1;
const WARM_UP_S = 5;
/** Deliveries on their way at most while dispatchers are kept as busy as they can be. */
const OUTSTANDING_MAX = 2_000;
/** How often a dispatcher is asked how far it is. */
const LOOK_MS = 3;
const TENANT = 'created';

/**
 * Endpoints are created one after the other; of each it is seen when the last dispatcher goes by it: first while nothing else
 * happens, then while dispatchers send as fast as they can.
 */
export async function benchConfigApply(options: Options): Promise<void> {
  await using stage = await openStage();
  const { endpoints, dispatchers, seconds, body: bodyBytes, record } = options;
  await using rig = await startRig(stage, { endpoints, dispatchers });
  const { topicPrefix, kek, partitions } = rig;
  await using plane = await startBenchPlane(stage, { topicPrefix, kek, partitions });
  const client = plane.connect();
  await client.createTenant(TENANT);
  const until = performance.now() + seconds * 1_000;
  const idle = await applyTimes(rig, client, options, () => performance.now() > until);
  stage.say(`idle: ${JSON.stringify(timesTold(idle))}`);
  const loaded: number[] = [];
  const targets = endpointsOf(rig);
  const run = await runLoad(rig, {
    ...{ seconds, bodyBytes, awaited: [STREAM], outstandingMax: OUTSTANDING_MAX },
    streams: [{ id: STREAM, perSecond: FLAT_OUT_PER_SECOND, from: -WARM_UP_S, to: seconds, targets }],
    whileRunning: async (load, isOver) => {
      const creating = delay(WARM_UP_S * 1_000).then(() => applyTimes(rig, client, options, isOver));
      await Promise.all([tellArrivals(rig, load, isOver), creating.then((times) => loaded.push(...times))]);
    },
  });
  stage.say(`loaded: ${JSON.stringify(timesTold(loaded))}`);
  const part = { streams: [STREAM] };
  const deliveriesPerSecond = Math.round(firstArrivals(run, part).inTime / seconds);
  await keepRigResults(stage, {
    ...{ bench: 'config-apply', record, runs: [{ name: 'loaded', run, part }] },
    figures: { seconds, endpoints, dispatchers, deliveriesPerSecond, idle: timesTold(idle), loaded: timesTold(loaded) },
    bounds: [
      { figure: 'create → every dispatcher, idle: p99 (ms)', value: timesTold(idle).p99Ms, most: IDLE_P99_MS_MAX },
      {
        figure: 'create → every dispatcher, at full speed: p99 (ms)',
        value: timesTold(loaded).p99Ms,
        most: LOADED_P99_MS_MAX,
      },
    ],
  });
}

const endpointsOf = (rig: Rig): number[] => Array.from(rig.endpoints, (_, index) => index);

function timesTold(times: readonly number[]) {
  const of = (fraction: number): number => round(quantile(times, fraction), 1);
  return { creates: times.length, p50Ms: of(0.5), p99Ms: of(0.99), maxMs: of(1) };
}

let created = 0;

/** From each call of a create until the last dispatcher has read it, ms; so many creates a second. */
async function applyTimes(
  { dispatchers }: Pick<Rig, 'dispatchers'>,
  client: PlaneClient,
  { rate }: Pick<Options, 'rate'>,
  isOver: () => boolean,
): Promise<number[]> {
  const times: number[] = [];
  while (!isOver()) {
    const began = performance.now();
    const { revision } = await client.createEndpoint(TENANT, `a${created++}`);
    await Promise.all(
      dispatchers.map(async (dispatcher) => {
        while (!revisionReached(await dispatcher.revision(), revision)) await delay(LOOK_MS);
      }),
    );
    const took = performance.now() - began;
    times.push(took);
    await delay(Math.max(0, 1_000 / rate - took));
  }
  return times;
}
