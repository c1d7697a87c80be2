import { availableParallelism } from 'node:os';
import { runCampaign } from '../simulation/campaign.ts';
import { keepResults, load, machineFacts, round } from './machine.ts';
import type { PlainOptions } from './plain-options.ts';

const TEN_MINUTES_S = 600;

/**
 * How many schedules a machine searches: a campaign as CI runs it, the start of its processes included. On a machine that
 * does other work, too, the CPU of a seed tells what the same cores would do for it alone.
 * @throws Error when a promise was broken: what was not run to its end was not measured
 */
export async function benchSimulate({ seeds, from, record }: PlainOptions<'simulate'>): Promise<void> {
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const loadBefore = load();
  const processes = availableParallelism();
  const quiet = { trace: false, schedule: null, plants: [], stopAtFirst: false };
  const { coverage, ...campaign } = await runCampaign({ ...quiet, from, seeds, processes });
  if (campaign.failed > 0) throw new Error(`promises were broken: ${JSON.stringify(campaign.problems)}`);
  const { deliveries, requests, virtualHours, seconds, cpuSeconds } = campaign;
  say(`${seeds} seeds in ${seconds.toFixed(1)} s in ${processes} processes, ${cpuSeconds.toFixed(1)} s of CPU`);
  const summary = {
    ...{ bench: 'simulate', seeds, from, processes },
    seedsPer10Min: Math.round((seeds / seconds) * TEN_MINUTES_S),
    cpuSecondsPerSeed: round(cpuSeconds / seeds, 4),
    // With a core for each process alone.
    seedsPer10MinOfCpu: Math.round((seeds / cpuSeconds) * TEN_MINUTES_S * processes),
    ...{ deliveries, requests, virtualHours, seconds: round(seconds), cpuSeconds: round(cpuSeconds) },
    ...machineFacts(null, loadBefore),
  };
  await keepResults('simulate', { summary, coverage }, record);
  say(JSON.stringify(summary));
}
