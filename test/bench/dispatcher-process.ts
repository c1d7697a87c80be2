import { startBenchProcess, type BenchProcess, type BenchProcessOptions } from './bench-process.ts';

/** The dispatcher as an operator runs it. */
export interface DispatcherProcess extends BenchProcess {
  /** Resolves when it serves this many partitions. */
  serving(partitions: number): Promise<void>;
  /** Partitions that it serves now. */
  served(): Promise<number>;
  /** The revision of the configuration that it works by. */
  revision(): Promise<string>;
  /** Requests in flight just now, as its metrics say. */
  inFlight(): Promise<number>;
}

/** Starts a dispatcher. */
export async function startDispatcherProcess(
  options: Omit<BenchProcessOptions, 'service'>,
): Promise<DispatcherProcess> {
  const started = await startBenchProcess({ service: 'dispatcher', ...options });
  const served = async (): Promise<number> =>
    Number((await started.readiness())?.checks['owning']?.detail?.['serving'] ?? 0);
  return {
    ...started,
    served,
    serving: (partitions) =>
      started.until(`to serve ${partitions} partitions`, async () => (await served()) === partitions),
    revision: async () => String((await started.readiness())?.checks['configured']?.detail?.['revision'] ?? '0'),
    inFlight: () => started.metric('postrider_requests_in_flight'),
    [Symbol.asyncDispose]: () => started.kill(),
  };
}
