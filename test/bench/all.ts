import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { plainBenches, type PlainOptions } from './plain-options.ts';

/** What a delivery costs, that no endpoint slows another, and what the configuration and its API can do: the shorter ones first. */
const benches = [
  ...['config-load', 'config-apply', 'control-plane', 'publish'],
  ...['dispatch', 'latency', 'fan-out-1000', 'end-to-end', 'neighbour', 'noisy', 'collapse'],
  ...['scale', 'memory', 'recover'],
] as const;

/** Runs all of them one after the other, each in a process of its own. Fails when one of them does. */
export async function benchAll({ seconds, record }: PlainOptions<'all'>): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const results: { readonly bench: string; readonly ok: boolean; readonly minutes: number }[] = [];
  for (const bench of benches) {
    say(`\n== ${bench}`);
    const began = performance.now();
    const ok = await runBench(bench, [...secondsFlag(bench, seconds), ...(record ? ['--record'] : [])]);
    results.push({ bench, ok, minutes: Math.round((performance.now() - began) / 6_000) / 10 });
  }
  const ok = results.every((one) => one.ok);
  if (!ok) process.exitCode = 1;
  say(JSON.stringify({ bench: 'all', ok, results }));
}

/** Of a bench whose length is chosen, when one was chosen. */
function secondsFlag(bench: (typeof benches)[number], seconds: number): string[] {
  const numbers: { readonly seconds?: { readonly least: number } } =
    bench === 'dispatch' ? { seconds: { least: 1 } } : plainBenches[bench as 'neighbour'].numbers;
  if (seconds === 0 || numbers.seconds === undefined) return [];
  return ['--seconds', String(Math.max(seconds, numbers.seconds.least))];
}

/** Its lines go through; whether it ended well. */
async function runBench(bench: string, args: readonly string[]): Promise<boolean> {
  const endWithUs = ['--import', join(import.meta.dirname, '../support/end-with-parent.ts')];
  const child = spawn(process.execPath, [...endWithUs, join(import.meta.dirname, 'main.ts'), bench, ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  createInterface(child.stdout as NodeJS.ReadableStream).on('line', (line) => void process.stdout.write(`  ${line}\n`));
  const [code] = (await ended) as [number | null];
  return code === 0;
}
