import { round } from '../machine.ts';
import type { RigRun } from './run.ts';

/** Nearly a core of its own: what comes on top waits for it. */
const BUSY_FRACTION = 0.85;
const LATE_P99_MS_MAX = 10;

/** Why figures may say more of the machine, the load or the sink than of Postrider; empty: they do not. */
export function doubtsOf({ seconds, cpu, load }: RigRun): string[] {
  const busy = (us: number): number => us / (seconds * 1e6);
  const doubts: string[] = [];
  if (load.lateP99Ms > LATE_P99_MS_MAX) doubts.push(`the load was late itself (p99 ${round(load.lateP99Ms)} ms)`);
  if (busy(cpu.loadUs) > BUSY_FRACTION) doubts.push('the load used nearly a core');
  if (busy(cpu.sinkUs) > BUSY_FRACTION) doubts.push('the sink used nearly a core');
  return doubts;
}
