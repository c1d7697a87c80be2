import { judge, type Bound, type Judged } from '../bounds.ts';
import { round } from '../machine.ts';
import type { RigRun } from './run.ts';

/** What a bench's figures come to. */
export interface Verdict extends Judged {
  /** Why the figures may say more of the machine, the load or the sink than of Postrider; empty: they do not. */
  readonly doubts: readonly string[];
}

/** Nearly a core of its own: what comes on top waits for it. */
const BUSY_FRACTION = 0.85;
const LATE_P99_MS_MAX = 10;

/** Judges the figures, and the runs that they come from. */
export function verdictOf(bounds: readonly Bound[], runs: readonly (readonly [string, RigRun])[]): Verdict {
  const doubts = runs.flatMap(([name, run]) => doubtsOf(run).map((doubt) => `${name}: ${doubt}`));
  return { ...judge(bounds), doubts };
}

function doubtsOf({ seconds, cpu, load }: RigRun): string[] {
  const busy = (us: number): number => us / (seconds * 1e6);
  const doubts: string[] = [];
  if (load.lateP99Ms > LATE_P99_MS_MAX) doubts.push(`the load was late itself (p99 ${round(load.lateP99Ms)} ms)`);
  if (busy(cpu.loadUs) > BUSY_FRACTION) doubts.push('the load used nearly a core');
  if (busy(cpu.sinkUs) > BUSY_FRACTION) doubts.push('the sink used nearly a core');
  return doubts;
}

/** Of each request, what the processes spent on it (µs). */
export function cpuPerRequest(run: RigRun, requests: number): Readonly<Record<keyof RigRun['cpu'], number>> {
  const of = (name: keyof RigRun['cpu']): number => round(run.cpu[name] / requests);
  return {
    ...{ dispatcherUs: of('dispatcherUs'), routerUs: of('routerUs'), brokerUs: of('brokerUs') },
    ...{ sinkUs: of('sinkUs'), loadUs: of('loadUs') },
  };
}
