/**
 * Fuzzing of what takes text from strangers: `npm run fuzz -- url retry-after`. Each input must be taken or refused, never
 * break anything, and mean the same to us as to others.
 */
import { mulberry32 } from '../simulation/mulberry32.ts';
import { tellUsage } from '../support/tell-usage.ts';
import { parseFuzzCommand, usageOf, type FuzzOptions } from './options.ts';
import { targets } from './targets.ts';
import type { FuzzTarget } from './target.ts';

const usage = usageOf(Object.fromEntries(Object.entries(targets).map(([name, { does }]) => [name, does])));
/** Between two looks at the clock. */
const inputsAtOnce = 1_000;

const command = parseFuzzCommand(process.argv.slice(2), Object.keys(targets), Date.now() % 2 ** 32);
if (command.kind === 'usage') {
  tellUsage(command.problem, usage);
} else {
  process.exitCode = fuzz(command.options) ? 0 : 1;
}

function fuzz({ names, seconds, seed }: FuzzOptions): boolean {
  const runs = names.map((name) => ({ target: name, ...fuzzOne(name, seconds / names.length, seed) }));
  const crashes = runs.reduce((sum, run) => sum + run.crashes, 0);
  process.stdout.write(`${JSON.stringify({ fuzz: runs, seed, crashes })}\n`);
  return crashes === 0;
}

/** Stops at the first input that breaks the target: others would mostly be the same mistake. */
function fuzzOne(name: string, seconds: number, seed: number): { inputs: number; cpuSeconds: number; crashes: number } {
  const target = targets[name] as FuzzTarget;
  const random = mulberry32(seed);
  const began = process.cpuUsage();
  const spent = (): number => {
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1e6;
  };
  let inputs = 0;
  let input = '';
  try {
    for (input of target.found) target.check(input);
    do {
      for (let index = 0; index < inputsAtOnce; index++) {
        input = target.next(random);
        inputs += 1;
        target.check(input);
      }
    } while (spent() < seconds);
  } catch (error) {
    const place = inputs === 0 ? 'one that was found before' : `number ${inputs} of --seed ${seed}`;
    process.stderr.write(`${name}: ${JSON.stringify(input)} (${place}): ${(error as Error).stack}\n`);
    return { inputs, cpuSeconds: Math.round(spent()), crashes: 1 };
  }
  process.stdout.write(`${name}: ${inputs} inputs in ${Math.round(spent())} s of CPU, none of which broke it\n`);
  return { inputs, cpuSeconds: Math.round(spent()), crashes: 0 };
}
