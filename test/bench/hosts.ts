import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { createEgress, createPolicy, defaultLimits, type Egress } from '@postrider/egress';
import { systemClock } from '@postrider/runtime';
import { liveBytes } from './live-bytes.ts';
import { conclude, judge } from './bounds.ts';
import { keepResults, load, machineFacts, median, round } from './machine.ts';
import { startSink, type Sink } from './sink.ts';
import type { PlainOptions } from './plain-options.ts';

const IN_FLIGHT = 64;
const LOOK_MS = 100;
const MIB = 1_024 * 1_024;
/** Memory of all that is known of 4,096 endpoints, and of the idle connections (8 KiB each and more). */
const LIVE_MIB_MAX = 32;
/** Between the first half of the rounds and the second; collections of garbage differ by less. */
const LIVE_GROWTH_MIB_MAX = 1;
const body = Buffer.alloc(1_024, 'a');

interface Round {
  /** The most connections at once, as the door counts them and as the sink does. */
  readonly socketsMax: number;
  readonly sinkConnectionsMax: number;
  /** Idle ones at the end of the round. */
  readonly idleSockets: number;
  readonly liveMib: number;
  readonly rssMib: number;
  readonly requestsPerSecond: number;
  readonly loopDelayP99Ms: number;
}

/**
 * One request to each of many endpoints, each with a host name of its own; when all their connections are closed, one to each
 * of those whose connections are to be idle. Memory is what is left after a collection of garbage.
 */
export async function benchHosts(options: PlainOptions<'hosts'>): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const loadBefore = load();
  await using sink = await startSink({ isWide: true });
  const egress = openDoor();
  const emptyMib = (await liveBytes()) / MIB;
  const rounds: Round[] = [];
  for (let at = 1; at <= options.rounds; at += 1) {
    rounds.push(await measure(egress, sink, options));
    say(`Round ${at}: ${JSON.stringify(rounds.at(-1))}`);
  }
  await egress.close({ graceMs: 0 });
  const of = (name: keyof Round): number => median(rounds.map((one) => one[name]));
  // What a process needs once is there after the first half.
  const half = Math.ceil(rounds.length / 2);
  const growth = (name: 'liveMib' | 'rssMib'): number =>
    round(
      median(rounds.slice(half).map((one) => one[name])) - median(rounds.slice(1, half + 1).map((one) => one[name])),
    );
  const socketsMax = Math.max(...rounds.map((one) => one.socketsMax));
  const liveMib = round(of('liveMib') - emptyMib);
  const liveGrowthMib = growth('liveMib');
  const summary = {
    bench: 'hosts',
    ...{ endpoints: options.endpoints, idle: options.idle, rounds: options.rounds },
    socketsMax,
    sinkConnectionsMax: Math.max(...rounds.map((one) => one.sinkConnectionsMax)),
    idleSockets: of('idleSockets'),
    liveMib,
    rssMib: of('rssMib'),
    liveGrowthMib,
    rssGrowthMib: growth('rssMib'),
    requestsPerSecond: of('requestsPerSecond'),
    loopDelayP99Ms: of('loopDelayP99Ms'),
    ...judge([
      { figure: 'socketsMax', value: socketsMax, most: defaultLimits.socketsMax },
      { figure: 'idleSockets', value: of('idleSockets'), most: options.idle },
      { figure: 'liveMib', value: liveMib, most: LIVE_MIB_MAX },
      { figure: 'liveGrowthMib', value: liveGrowthMib, most: LIVE_GROWTH_MIB_MAX },
    ]),
    ...machineFacts(null, loadBefore),
  };
  await keepResults('hosts', { summary, rounds }, options.record);
  conclude(summary);
}

/** The door with its default limits. The names of one endpoint in sixteen share an address of the sink. */
function openDoor(): Egress {
  return createEgress({
    policy: createPolicy({ allowHttp: true, allowLoopback: true, ports: 'any' }),
    clock: systemClock,
    resolve: (name) => Promise.resolve([`127.0.0.${1 + (Number(/\d+/.exec(name)?.[0]) % 16)}`]),
  });
}

async function measure(egress: Egress, sink: Sink, { endpoints, idle }: PlainOptions<'hosts'>): Promise<Round> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const began = performance.now();
  let socketsMax = 0;
  let sinkConnectionsMax = 0;
  const watch = setInterval(() => {
    void sink.counts().then(({ connections }) => (sinkConnectionsMax = Math.max(sinkConnectionsMax, connections)));
  }, LOOK_MS);
  const sendTo = async (count: number): Promise<void> => {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) {
        await sendOne(egress, sink.port, next++);
        socketsMax = Math.max(socketsMax, egress.connections());
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  };
  await sendTo(endpoints);
  const seconds = (performance.now() - began) / 1_000;
  delay.disable();
  await untilAllClosed(egress);
  await sendTo(idle);
  clearInterval(watch);
  return {
    ...{ socketsMax, sinkConnectionsMax },
    idleSockets: egress.connections(),
    liveMib: round((await liveBytes()) / MIB),
    rssMib: round(process.memoryUsage.rss() / MIB),
    requestsPerSecond: round(endpoints / seconds, 0),
    loopDelayP99Ms: round(delay.percentile(99) / 1e6),
  };
}

/** Unused connections are closed after a while. */
async function untilAllClosed(egress: Egress): Promise<void> {
  const givenUpAt = performance.now() + 10 * defaultLimits.idleSocketMs;
  while (egress.connections() > 0) {
    if (performance.now() > givenUpAt) throw new Error(`${egress.connections()} unused connections are not closed`);
    await setTimeout(LOOK_MS);
  }
}

function sendOne(egress: Egress, port: number, endpoint: number): Promise<void> {
  return new Promise((resolve, reject) => {
    egress.send(
      {
        ...{ origin: `http://h${endpoint}.example.com:${port}`, path: '/hook', body },
        ...{ headers: ['content-type', 'application/json'], totalDeadlineMs: 15_000 },
        ...{ poolKey: `tenant/e${endpoint}`, maxSockets: 16 },
      },
      (result) => (result.kind === 'response' ? resolve() : reject(new Error(`${result.code}: ${result.message}`))),
    );
  });
}
