/** A dispatcher that measures itself while it takes partitions over. Told what to do by the first message, it answers once. */
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { localKeys } from '@postrider/config-view';
import { limits, parseKek } from '@postrider/core';
import { connectKafka, type KafkaPort } from '@postrider/kafka';
import { recordingLogger, systemClock } from '@postrider/runtime';
import { startDispatcher, type Send } from '../../services/dispatcher/src/service.ts';
import { responded } from '../../services/dispatcher/testing/harness.ts';
import { round } from './machine.ts';

/** What the process is told. */
export interface TakeoverWork {
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly kek: string;
  readonly storeDir: string;
  readonly rows: number;
  readonly partitions: number;
  /** Of endpoint `n`, whose path is `/e<n>`. */
  readonly partitionOfEndpoint: readonly number[];
}

/** What it tells; all times from the moment at which the group named it. */
export interface TakeoverTold {
  /** The last partition's first live request. */
  readonly liveResumedMs: number;
  /** Every row waits in the process. */
  readonly loadedMs: number;
  readonly loopDelayP50Ms: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  readonly cpuMs: number;
  readonly rssMb: number;
}

const LOOK_EVERY_MS = 10;

const [work] = (await once(process, 'message')) as [TakeoverWork];
const log = recordingLogger();
const delay = monitorEventLoopDelay({ resolution: 1 });
const port = connectKafka({ brokers: work.brokers, clientId: 'takeover', clock: systemClock });
let namedAt = 0;
let cpu = process.cpuUsage();
const kafka: KafkaPort = {
  ...bound(port),
  groupMember: (options) =>
    port.groupMember({
      ...options,
      onAssigned(assignment) {
        if (namedAt === 0 && assignment.size > 0) {
          namedAt = performance.now();
          cpu = process.cpuUsage();
          delay.enable();
        }
        options.onAssigned(assignment);
      },
    }),
};

const resumed = new Map<number, number>();
const send: Send = ({ path }, done) => {
  const partition = work.partitionOfEndpoint[Number(path.slice(2))] as number;
  if (!resumed.has(partition)) resumed.set(partition, performance.now() - namedAt);
  setImmediate(() => done(responded(200)));
};
const settings = {
  topicPrefix: work.prefix,
  keys: localKeys(parseKek(work.kek)),
  processId: 'takeover',
  contactUrl: '',
};
const dispatcher = await startDispatcher(
  {
    ...{ ...settings, allowHttp: true, allowLoopback: true, allowCidrs: [], storeDir: work.storeDir },
    sessionTimeoutMs: limits.sessionTimeoutMs,
  },
  { kafka, clock: systemClock, log, send },
  new AbortController().signal,
);

let seen = 0;
let loaded = 0;
const looking = setInterval(() => {
  for (; seen < log.lines.length; seen += 1) {
    const { message, fields } = log.lines[seen] as (typeof log.lines)[number];
    if (message === 'partition.tier-loaded' && fields['tier'] === 'retry.14d') loaded += 1;
  }
  if (loaded === work.partitions && resumed.size === work.partitions) tell();
}, LOOK_EVERY_MS);

function tell(): void {
  clearInterval(looking);
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  const told: TakeoverTold = {
    liveResumedMs: Math.round(Math.max(...resumed.values())),
    loadedMs: Math.round(performance.now() - namedAt),
    loopDelayP50Ms: round(delay.percentile(50) / 1e6),
    loopDelayP99Ms: round(delay.percentile(99) / 1e6),
    loopDelayMaxMs: round(delay.max / 1e6),
    cpuMs: Math.round((user + system) / 1e3),
    rssMb: Math.round(process.memoryUsage.rss() / 1e6),
  };
  process.send?.(told);
}

await once(process, 'message');
await dispatcher[Symbol.asyncDispose]();
await port[Symbol.asyncDispose]();
process.disconnect?.();

/** The port's own methods, whatever it is made of. */
function bound(one: KafkaPort): KafkaPort {
  return {
    admin: one.admin,
    producer: (options) => one.producer(options),
    transactionalWriter: (options) => one.transactionalWriter(options),
    groupMember: (options) => one.groupMember(options),
    reader: (options) => one.reader(options),
    [Symbol.asyncDispose]: () => one[Symbol.asyncDispose](),
  };
}
