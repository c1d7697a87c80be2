/**
 * A dispatcher over a backlog in its own memory, which measures itself. Told what to do by the first message, it answers once.
 * Its log goes to standard output, as ever.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { limits, parseKek } from '@postrider/core';
import { topicSpecs } from '@postrider/kafka';
import { createBacklogKafka, createFakeKafka } from '@postrider/kafka/testing';
import { beginYoung, createLogger, createMetrics, silentLogger, systemClock, type Metrics } from '@postrider/runtime';
import { localKeys } from '@postrider/config-view';
import { startDispatcher, type Send } from '../../services/dispatcher/src/service.ts';
import { responded } from '../../services/dispatcher/testing/harness.ts';
import { deliveryRecord } from '../../services/router/src/delivery-record.ts';
import { writeBenchConfig } from './bench-config.ts';
import { ownCpuMicroseconds } from './proc-stat.ts';
import { addresseeOf, benchBody, benchEvent, destinationOf } from './preload.ts';

/** What the process is told. */
export interface LayerWork {
  /** Requests are answered in the process, after everything that is done for them but sending. */
  readonly sends: boolean;
  readonly metrics: boolean;
  readonly logs: boolean;
  readonly sinkPort: number;
  readonly endpoints: number;
  readonly bodyBytes: number;
  readonly inFlight: number;
  readonly seconds: number;
}

/** What it did in the measured time. */
export interface LayerTold {
  readonly deliveries: number;
  readonly cpuUs: number;
  /** Of the thread that does the work; the rest is the runtime's, which collects garbage. */
  readonly mainCpuUs: number;
  readonly wallUs: number;
}

const PARTITIONS = 12;
const PREFIX = 'postrider.';
/** More than are delivered in the time: a dispatcher whose queue runs empty does something else. */
const RATE_MAX = 20_000;
const WARM_UP_SECONDS = 3;
/** Events whose deliveries are loaded at once: more makes answers as long as those of a broker. */
const EVENTS_AT_ONCE = 20;
const LOOK_EVERY_MS = 20;

beginYoung();
const [work] = (await once(process, 'message')) as [LayerWork];
const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
const fake = createFakeKafka({ clock: systemClock });
fake.createTopics(topicSpecs({ prefix: PREFIX, partitions: PARTITIONS, replicationFactor: 1, bodyBytesMax: 262_144 }));
const topic = `${PREFIX}deliveries`;
const backlog = createBacklogKafka({ kafka: fake, topic, drops: (producer) => producer.endsWith('results') });
const kek = parseKek(randomBytes(32).toString('hex'));
const endpoints = await writeBenchConfig({
  ...{ kafka: backlog.port, topic: `${PREFIX}config`, kek, partitions: PARTITIONS },
  ...{ endpoints: work.endpoints, sinkPort: work.sinkPort },
});
const dispatcher = await startDispatcher(
  {
    ...{ topicPrefix: PREFIX, keys: localKeys(kek), allowHttp: true, allowLoopback: true, allowCidrs: [] },
    ...{ processId: 'layer', sessionTimeoutMs: limits.sessionTimeoutMs, contactUrl: '', inFlightMax: work.inFlight },
  },
  {
    ...{ kafka: backlog.port, clock: systemClock, metrics: work.metrics ? createMetrics() : noMetrics() },
    log: work.logs ? createLogger('dispatcher', { level: 'info' }) : silentLogger,
    ...(!work.sends && { send: answerAtOnce() }),
  },
  new AbortController().signal,
);
while (!isServing()) await sleep(LOOK_EVERY_MS);
const loaded = load((WARM_UP_SECONDS + work.seconds) * RATE_MAX);
await sleep(WARM_UP_SECONDS * 1_000);
const from = snapshot();
await sleep(work.seconds * 1_000);
const to = snapshot();
if (to.deliveries + PARTITIONS * limits.offsetRangeMax > loaded)
  process.stderr.write('layers: the backlog was nearly delivered, and the dispatcher had less to hold than in a run\n');
process.send?.({
  deliveries: to.deliveries - from.deliveries,
  cpuUs: to.cpuUs - from.cpuUs,
  mainCpuUs: to.mainCpuUs - from.mainCpuUs,
  wallUs: to.wallUs - from.wallUs,
} satisfies LayerTold);
// What it would do to stop well is no part of this.
process.exit(0);

function isServing(): boolean {
  const ready = dispatcher.ready();
  return ready.ok && (ready.detail as Readonly<Record<string, number>> | undefined)?.['serving'] === PARTITIONS;
}

function snapshot() {
  const { user, system } = process.threadCpuUsage();
  return {
    deliveries: backlog.acknowledged(),
    cpuUs: ownCpuMicroseconds(),
    mainCpuUs: user + system,
    wallUs: performance.now() * 1_000,
  };
}

/** That many deliveries at least; how many. */
function load(count: number): number {
  const destination = destinationOf(PREFIX, PARTITIONS);
  let made = 0;
  for (let event = 0; made < count;) {
    const some = [];
    for (const last = event + EVENTS_AT_ONCE; event < last; event += 1) {
      const body = benchBody(event, work.bodyBytes);
      for (const endpoint of endpoints)
        some.push(deliveryRecord(benchEvent(event, body, endpoint.tenant), addresseeOf(endpoint), destination));
    }
    backlog.load(some);
    made += some.length;
  }
  return made;
}

function answerAtOnce(): Send {
  const headers = ['content-length', '0', 'keep-alive', 'timeout=60', 'connection', 'keep-alive'];
  return ({ mayStart }, done) => {
    if (mayStart()) setImmediate(() => done(responded(200, headers)));
  };
}

function noMetrics(): Metrics {
  const none = { add: () => undefined, record: () => undefined };
  const family = () => ({ with: () => none });
  return { counter: family, histogram: family, gauge: () => undefined, text: async () => '' };
}
