import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

/** Adds what an operator asks of any process: memory, CPU time, and how late its event loop runs. */
export function addProcessMetrics(metrics: Metrics): void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  metrics.gauge('process_resident_memory_bytes', 'Memory of the process held by the machine', () =>
    process.memoryUsage.rss(),
  );
  metrics.gauge('process_heap_used_bytes', 'JavaScript heap in use', () => process.memoryUsage().heapUsed);
  metrics.gauge('process_cpu_seconds', 'CPU time used since the start', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  metrics.gauge('process_event_loop_delay_seconds', 'Event loop delay since the last reading, by quantile', () => {
    const seconds = (quantile: number): number => (Number.isFinite(delay.mean) ? delay.percentile(quantile) / 1e9 : 0);
    const reading: [{ quantile: string }, number][] = [
      [{ quantile: '0.5' }, seconds(50)],
      [{ quantile: '0.99' }, seconds(99)],
    ];
    delay.reset();
    return reading;
  });
}
