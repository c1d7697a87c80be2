import { setTimeout as delay } from 'node:timers/promises';
import { residentMiB } from '../support/resident-memory.ts';
import { median, round } from './machine.ts';
import { flowOf } from './rig/figures.ts';
import { keepRigResults } from './rig/rig-results.ts';
import { startRig } from './rig/rig.ts';
import { runLoad } from './rig/run.ts';
import { openStage } from './rig/stage.ts';
import type { PlainOptions } from './plain-options.ts';

const STREAM = 1;
/** Less than the dispatcher waits for an answer to begin. */
const ANSWER_MS = 8_000;
/** More endpoints than requests in flight: each is sent one at a time at first. */
const ENDPOINTS_PER_REQUEST = 1.2;
const IDLE_MS = 10_000;
const LOOK_MS = 1_000;
const ABOVE_IDLE_MIB_MAX = 256;
const GROWTH_MIB_MAX = 16;
const part = { streams: [STREAM] };

/** A sink so slow that a thousand requests are in flight, for as long as that: what a dispatcher holds in memory. */
export async function benchMemory(options: PlainOptions<'memory'>): Promise<void> {
  const { seconds, body: bodyBytes, record } = options;
  const inFlight = options['in-flight'];
  await using stage = await openStage();
  const endpoints = Math.ceil(inFlight * ENDPOINTS_PER_REQUEST);
  await using rig = await startRig(stage, { endpoints });
  const targets = Array.from({ length: endpoints }, (_, index) => index);
  await rig.sink.behave(targets, { kind: 'answer', status: 200, delayMs: ANSWER_MS });
  const [dispatcher] = rig.dispatchers;
  if (dispatcher === undefined) throw new Error('there is no dispatcher');
  await dispatcher.during(Math.min(IDLE_MS, seconds * 100));
  const idleMib = residentMiB(dispatcher);
  const rssMib: number[] = [];
  const inFlights: number[] = [];
  const run = await runLoad(rig, {
    ...{ seconds, bodyBytes, awaited: [STREAM] },
    streams: [
      { id: STREAM, perSecond: inFlight / (ANSWER_MS / 1_000), from: -ANSWER_MS / 1_000, to: seconds, targets },
    ],
    async whileRunning(_load, isOver) {
      while (!isOver()) {
        rssMib.push(round(residentMiB(dispatcher)));
        inFlights.push(await dispatcher.inFlight());
        await delay(LOOK_MS);
      }
    },
  });
  const mostMib = Math.max(...rssMib);
  const quarter = Math.ceil(rssMib.length / 4);
  // What is only needed once is there after the first quarter.
  const growthMib = round(median(rssMib.slice(-quarter)) - median(rssMib.slice(quarter, 2 * quarter)));
  const flow = flowOf([run], part);
  await keepRigResults(stage, {
    ...{ bench: 'memory', record, runs: [{ name: 'slow sink', run, part }] },
    figures: {
      ...{ seconds, bodyBytes, endpoints, answerMs: ANSWER_MS, idleMib: round(idleMib), mostMib, growthMib, flow },
      inFlightMedian: median(inFlights),
      rssMibBySecond: rssMib.join(' '),
    },
    bounds: [
      { figure: 'memory above idle (MiB)', value: round(mostMib - idleMib), most: ABOVE_IDLE_MIB_MAX },
      { figure: 'growth from the second quarter to the last (MiB)', value: growthMib, most: GROWTH_MIB_MAX },
      { figure: 'requests in flight, median', value: median(inFlights), least: round(0.9 * inFlight) },
      { figure: 'repeated', value: flow.repeated, most: 0 },
    ],
  });
}
