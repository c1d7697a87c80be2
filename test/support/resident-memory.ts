import { readFileSync } from 'node:fs';

/** Resident memory of a process (RSS), in MiB. Linux only. */
export function residentMiB({ pid }: { readonly pid: number }): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1_024;
}
