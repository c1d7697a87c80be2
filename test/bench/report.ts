import { recordsOf } from './tier-records.ts';
import type { DispatchOptions } from './options.ts';
import type { DispatchRun } from './dispatch-run.ts';
import type { RawRun } from './raw-loop.ts';

/** What the figures were measured on. */
export interface MachineFacts {
  readonly cores: number;
  readonly cpu: string;
  readonly node: string;
  /** Version of Kafka; `unknown` when the cluster is not ours. */
  readonly kafka: string;
  /** One-minute load average before and after. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

/** The figures of a bench, as its last line prints them. */
export interface Summary extends MachineFacts {
  readonly bench: 'dispatch';
  readonly deliveriesPerSecond: number;
  readonly cpuUsPerDelivery: number;
  readonly rawRequestsPerSecond: number;
  readonly rawCpuUsPerRequest: number;
  /** CPU per delivery over CPU per raw request. */
  readonly cpuRatio: number;
  /** Measured seconds of all dispatch runs together. */
  readonly seconds: number;
  readonly endpoints: number;
  readonly bodyBytes: number;
  readonly inFlight: number;
  readonly logLevel: string;
  readonly attemptsAcked: number;
  /** Rows and tombstones written to the retry tiers, from the start of each dispatcher to its end. */
  readonly tierRecords: number;
  readonly profiled: boolean;
}

/** Puts the runs together; CPU and rates are over the sums, so that longer runs weigh more. */
export function summarize(
  runs: readonly (RawRun | DispatchRun)[],
  options: DispatchOptions,
  machine: MachineFacts,
): Summary {
  const raw = sums(runs.filter((run) => run.kind === 'raw').map((run) => ({ ...run, count: run.requests })));
  const dispatch = sums(runs.filter((run) => run.kind === 'dispatch').map((run) => ({ ...run, count: run.attempts })));
  return {
    bench: 'dispatch',
    deliveriesPerSecond: round(dispatch.perSecond),
    cpuUsPerDelivery: round(dispatch.cpuUs),
    rawRequestsPerSecond: round(raw.perSecond),
    rawCpuUsPerRequest: round(raw.cpuUs),
    cpuRatio: Math.round((dispatch.cpuUs / raw.cpuUs) * 1_000) / 1_000,
    seconds: round(dispatch.seconds),
    endpoints: options.endpoints,
    bodyBytes: options.bodyBytes,
    inFlight: options.inFlight,
    logLevel: options.logLevel,
    attemptsAcked: dispatch.count,
    tierRecords: runs.reduce((sum, run) => sum + (run.kind === 'raw' ? 0 : recordsOf(run.whole.tierRecords)), 0),
    profiled: options.profile,
    ...machine,
  };
}

/** The runs and their summary as people read them. */
export function table(runs: readonly (RawRun | DispatchRun)[], summary: Summary): string {
  const row = (...cells: readonly string[]) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(10) : cell.padStart(13))).join('');
  const lines = runs.map((run) => {
    const count = run.kind === 'raw' ? run.requests : run.attempts;
    const perSecond = count / (run.wallUs / 1e6);
    return row(
      run.kind,
      (run.wallUs / 1e6).toFixed(1),
      String(count),
      perSecond.toFixed(0),
      (run.cpuUs / count).toFixed(1),
      `${((run.cpuUs / run.wallUs) * 100).toFixed(0)} %`,
      String(run.connections),
      run.kind === 'raw' ? '–' : String(run.inFlightMean),
    );
  });
  return [
    row('run', 'seconds', 'requests', 'per second', 'CPU µs each', 'CPU', 'connections', 'in flight'),
    ...lines,
    '',
    `${summary.endpoints} endpoints, ${summary.bodyBytes} bytes a body, ${summary.inFlight} in flight, log level ${summary.logLevel}`,
    `${summary.cores} cores (${summary.cpu}), Node ${summary.node}, Kafka ${summary.kafka}, load ${summary.loadBefore} → ${summary.loadAfter}`,
    ...runs.flatMap((run) => (run.kind === 'raw' ? [] : waitLines(run))),
    `A delivery costs ${summary.cpuUsPerDelivery} µs of CPU, a raw signed request ${summary.rawCpuUsPerRequest} µs: ratio ${summary.cpuRatio}`,
  ].join('\n');
}

function waitLines({ whole }: DispatchRun): string[] {
  return Object.entries(whole.tierRecords).map(
    ([what, count]) => `Of ${whole.attempts} deliveries some waited: ${count} × ${what}`,
  );
}

function sums(runs: readonly { readonly count: number; readonly cpuUs: number; readonly wallUs: number }[]) {
  const total = (of: 'count' | 'cpuUs' | 'wallUs') => runs.reduce((sum, run) => sum + run[of], 0);
  const count = total('count');
  const seconds = total('wallUs') / 1e6;
  return { count, seconds, perSecond: count / seconds, cpuUs: total('cpuUs') / count };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
