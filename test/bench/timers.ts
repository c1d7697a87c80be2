import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { localKeys } from '@postrider/config-view';
import { encodeRowVersion, moveDelivery, parseKek, readDelivery } from '@postrider/core';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { DELIVERY_HEADER, ROW_HEADER, topicSpecs } from '@postrider/kafka';
import { createFakeKafka, type FakeKafka } from '@postrider/kafka/testing';
import { silentLogger, systemClock } from '@postrider/runtime';
import { startDispatcher, type Send } from '../../services/dispatcher/src/service.ts';
import { responded } from '../../services/dispatcher/testing/harness.ts';
import { createConfigRecords, deliveryRecord } from '../../services/dispatcher/testing/test-records.ts';
import { tempDir } from '../support/resources.ts';
import { lastOwnerRecords } from './last-owner.ts';
import { keepResults, load, machineFacts, median, round } from './machine.ts';
import type { PlainOptions } from './plain-options.ts';

const PARTITIONS = 12;
const ENDPOINTS = 600;
const BODY = 'x'.repeat(1_024);
/** Between writing the rows and the first due time: time to load them. */
const LEAD_MS = 15_000;
const LOAD_FRACTION = 0.6;

interface Outcome {
  readonly sent: number;
  readonly early: number;
  readonly perSecond: number;
  readonly latenessP50Ms: number;
  readonly latenessP99Ms: number;
  readonly latenessMaxMs: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
}

/**
 * A whole dispatcher over a Kafka in memory, its requests answered in the process: what is measured is how it wakes, starts
 * and ends retries, signing included, with the cost of that Kafka on top. First many that fall due within one second; then
 * as many a second as are 60 % of what it did then.
 */
export async function benchTimers(options: PlainOptions<'timers'>): Promise<void> {
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const loadBefore = load();
  const rounds: { readonly burst: Outcome; readonly steady: Outcome }[] = [];
  for (let at = 1; at <= options.rounds; at += 1) {
    const burst = await run(options.rows, 1_000);
    const rate = burst.perSecond * LOAD_FRACTION;
    const steady = await run(Math.round(rate * options.seconds), options.seconds * 1_000);
    rounds.push({ burst, steady });
    say(`Round ${at}: ${JSON.stringify(rounds.at(-1))}`);
  }
  const names = Object.keys((rounds[0] as (typeof rounds)[number]).burst) as (keyof Outcome)[];
  const medians = (part: 'burst' | 'steady') =>
    Object.fromEntries(names.map((name) => [name, median(rounds.map((one) => one[part][name]))]));
  const parts = { burst: medians('burst'), steady: medians('steady') };
  const summary = { bench: 'timers', rows: options.rows, ...parts, ...machineFacts(null, loadBefore) };
  await keepResults('timers', { summary, rounds }, options.record);
  say(JSON.stringify(summary));
}

/** That many rows, due evenly over a time. */
async function run(count: number, spreadMs: number): Promise<Outcome> {
  await using storeDir = await tempDir();
  const kafka = createFakeKafka({ clock: systemClock });
  const kek = parseKek(randomBytes(32).toString('hex'));
  const dueFrom = Date.now() + LEAD_MS;
  write(kafka, kek, count, (i) => dueFrom + Math.floor((i * spreadMs) / count));

  const lateness = new Float64Array(count);
  let sent = 0;
  let early = 0;
  let firstAt = 0;
  let all = (): void => undefined;
  const done = new Promise<void>((resolve) => (all = resolve));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const send: Send = ({ body }, answered) => {
    const late = Date.now() - body.readDoubleLE(0);
    if (late < 0) early += 1;
    if (sent === 0) {
      firstAt = performance.now();
      delay.enable();
    }
    lateness[sent] = late;
    sent += 1;
    if (sent === count) all();
    setImmediate(() => answered(responded(200)));
  };
  const settings = {
    topicPrefix: 'postrider.',
    keys: localKeys(kek),
    allowHttp: false,
    allowLoopback: false,
    allowCidrs: [],
  };
  const dispatcher = await startDispatcher(
    { ...settings, processId: 'timers', sessionTimeoutMs: 30_000, contactUrl: '', storeDir: storeDir.path },
    { kafka: kafka.connect('timers'), clock: systemClock, log: silentLogger, send },
    new AbortController().signal,
  );
  await done;
  const seconds = (performance.now() - firstAt) / 1_000;
  delay.disable();
  await dispatcher[Symbol.asyncDispose]();
  lateness.sort();
  const percentile = (fraction: number): number => round(lateness[Math.ceil(count * fraction) - 1] as number);
  return {
    ...{ sent, early, perSecond: Math.round(count / seconds) },
    ...{ latenessP50Ms: percentile(0.5), latenessP99Ms: percentile(0.99), latenessMaxMs: percentile(1) },
    ...{ loopDelayP99Ms: round(delay.percentile(99) / 1e6), loopDelayMaxMs: round(delay.max / 1e6) },
  };
}

/** Topics, configuration and rows; each body begins with the time at which it is due. */
function write(
  kafka: FakeKafka,
  kek: ReturnType<typeof parseKek>,
  count: number,
  dueAtOf: (i: number) => number,
): void {
  kafka.createTopics(
    topicSpecs({ prefix: 'postrider.', partitions: PARTITIONS, replicationFactor: 1, bodyBytesMax: 262_144 }),
  );
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    for (const record of lastOwnerRecords()) kafka.append('postrider.ownership', partition, record);
  const config = createConfigRecords(kek, PARTITIONS);
  const put = (record: ReturnType<typeof config.layout>) => void kafka.append('postrider.config', 0, record);
  put(config.layout());
  put(config.tenant());
  for (let i = 0; i < ENDPOINTS; i += 1) put(config.endpoint(String(i)));
  const endpointRevision = config.revision();
  for (let i = 0; i < count; i += 1) {
    const dueAt = dueAtOf(i);
    const routed = deliveryRecord(`event-${i}`, String(i % ENDPOINTS), Date.now(), BODY, { endpointRevision });
    const header = routed.headers[DELIVERY_HEADER] as Buffer;
    const value = Buffer.from(routed.value);
    value.writeDoubleLE(dueAt, 0);
    kafka.append('postrider.retry.1m', i % PARTITIONS, {
      ...{ key: Buffer.from(readDelivery(header).deliveryId), value },
      headers: {
        [DELIVERY_HEADER]: moveDelivery(header, { dueAt, attempt: 1, waitReason: WaitReason.RETRY }),
        [ROW_HEADER]: encodeRowVersion(0, i + 1),
      },
    });
  }
}
