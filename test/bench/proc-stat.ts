import { readFile } from 'node:fs/promises';

/** Linux counts CPU time for programs in hundredths of a second, on every architecture that Node runs on. */
const MICROSECONDS_PER_TICK = 10_000;

/** CPU time that a process and all its threads have used so far, user and system, in microseconds. Linux only. */
export async function cpuMicroseconds(pid: number): Promise<number> {
  return cpuOfStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
}

/** The same of this process; on every system. */
export function ownCpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** The same as `cpuMicroseconds` of the text of `/proc/<pid>/stat` (proc_pid_stat(5), fields 14 and 15). */
export function cpuOfStat(stat: string): number {
  // The name, field 2, may itself hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (!Number.isSafeInteger(ticks)) throw new TypeError(`this is no /proc/<pid>/stat: ${JSON.stringify(stat)}`);
  return ticks * MICROSECONDS_PER_TICK;
}
