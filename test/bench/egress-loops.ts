import { conclude, judge } from './bounds.ts';
import { keepResults, load, machineFacts, median, round } from './machine.ts';
import { runLoopProcess, type LoopRun } from './raw-loop.ts';
import { startSink, type SinkOptions } from './sink.ts';
import type { LoopOptions } from './signed-loop.ts';
import type { PlainOptions } from './plain-options.ts';

type Options = PlainOptions<'egress-http'>;

/** One round: the raw loop and the door. */
interface Pair {
  readonly raw: LoopRun;
  readonly egress: LoopRun;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const cpuUs = (run: LoopRun): number => run.cpuUs / run.requests;
const perSecond = (run: LoopRun): number => run.requests / (run.wallUs / 1e6);

/** The most CPU of a request through the door, in that of a raw one. */
const CPU_RATIO_MAX = 1.25;
/** Over TLS: the fewest requests for the same CPU, in those of the raw loop. */
const RATE_PER_CPU_MIN = 0.8;

/** Signed POSTs through the door to tenants' endpoints, without Kafka, against the raw loop. */
export async function benchEgressHttp(options: Options): Promise<void> {
  const loadBefore = load();
  const pairs = await measure('keep-alive', options, {});
  const summary = {
    bench: 'egress-http',
    ...{ endpoints: options.endpoints, inFlight: options['in-flight'], bodyBytes: options.body },
    ...medians(pairs),
    ...judge([{ figure: 'cpuRatio', value: medians(pairs).cpuRatio, most: CPU_RATIO_MAX }]),
    ...machineFacts(null, loadBefore),
  };
  await keepResults('egress-http', { summary, pairs }, options.record);
  conclude(summary);
}

/**
 * The same over TLS: on connections that are kept, and with a new one, handshake included, for each request. What must be
 * reached is throughput on equal CPU: requests per CPU second of the door over those of the raw loop. Requests per second
 * of wall time are told beside it: they say more of who got the cores, for two loops and two sinks run at once.
 */
export async function benchEgressTls(options: Options): Promise<void> {
  const loadBefore = load();
  const kept = await measure('keep-alive', options, { isTls: true });
  const fresh = await measure('new handshake', options, { isTls: true, closes: true });
  const summary = {
    bench: 'egress-tls',
    ...{ endpoints: options.endpoints, inFlight: options['in-flight'], bodyBytes: options.body },
    keepAlive: medians(kept),
    newHandshake: medians(fresh),
    ...judge([
      { figure: 'keepAlive.ratePerCpuRatio', value: medians(kept).ratePerCpuRatio, least: RATE_PER_CPU_MIN },
      { figure: 'newHandshake.ratePerCpuRatio', value: medians(fresh).ratePerCpuRatio, least: RATE_PER_CPU_MIN },
    ]),
    ...machineFacts(null, loadBefore),
  };
  await keepResults('egress-tls', { summary, kept, fresh }, options.record);
  conclude(summary);
}

/** In each round both at once, each with a sink of its own: whatever else the machine does weighs on both alike. */
async function measure(what: string, options: Options, speaks: SinkOptions): Promise<readonly Pair[]> {
  await using rawSink = await startSink(speaks);
  await using egressSink = await startSink(speaks);
  const { endpoints, seconds, body: bodyBytes, 'in-flight': inFlight } = options;
  const loop: LoopOptions = { endpoints, seconds, bodyBytes, inFlight };
  const pairs: Pair[] = [];
  for (let at = 1; at <= options.rounds; at += 1) {
    const [raw, egress] = await Promise.all([
      runLoopProcess('raw-loop', rawSink, loop),
      runLoopProcess('egress-loop', egressSink, loop),
    ]);
    const pair = { raw, egress };
    pairs.push(pair);
    say(`${what}, round ${at}: ${JSON.stringify(medians([pair]))}`);
  }
  return pairs;
}

function medians(pairs: readonly Pair[]) {
  const of = (value: (pair: Pair) => number, digits = 1): number => round(median(pairs.map(value)), digits);
  return {
    cpuRatio: of(({ raw, egress }) => cpuUs(egress) / cpuUs(raw), 3),
    ratePerCpuRatio: of(({ raw, egress }) => cpuUs(raw) / cpuUs(egress), 3),
    rateRatio: of(({ raw, egress }) => perSecond(egress) / perSecond(raw), 3),
    cpuUsPerRequest: of(({ egress }) => cpuUs(egress)),
    rawCpuUsPerRequest: of(({ raw }) => cpuUs(raw)),
    requestsPerSecond: of(({ egress }) => perSecond(egress), 0),
    rawRequestsPerSecond: of(({ raw }) => perSecond(raw), 0),
  };
}
