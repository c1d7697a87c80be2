import { parseArgs } from 'node:util';
import { numberOf } from '../bench/number-flag.ts';

export interface FuzzOptions {
  /** In the order of the table. */
  readonly names: readonly string[];
  /** CPU time of the whole run, shared evenly. */
  readonly seconds: number;
  readonly seed: number;
}

export type FuzzCommand =
  | { readonly kind: 'run'; readonly options: FuzzOptions }
  | { readonly kind: 'usage'; readonly problem: string | null };

const secondsRange = { flag: 'seconds', least: 1, most: 86_400 };
const seedRange = { flag: 'seed', least: 0, most: 2 ** 32 - 1 };

/** Help, with what each target does. */
export function usageOf(targets: Readonly<Record<string, string>>): string {
  const lines = Object.entries(targets).map(([name, does]) => `  ${name.padEnd(14)}${does}`);
  return `usage: npm run fuzz -- [target …] [--seconds <n>] [--seed <n>]

${lines.join('\n')}

  --seconds <n>   CPU seconds of the whole run, shared by its targets (default 600)
  --seed <n>      repeats a run: the same inputs, as far as it comes (default: of the clock)

Exit code 1 when an input breaks a promise; it is printed with its seed. The last line printed is one JSON object.
`;
}

/** Reads the command line; whatever it does not know is a usage problem. Without targets all are meant. */
export function parseFuzzCommand(args: readonly string[], known: readonly string[], seed: number): FuzzCommand {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seconds: { type: 'string', default: '600' },
        seed: { type: 'string', default: String(seed) },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { kind: 'usage', problem: null };
    const foreign = positionals.find((name) => !known.includes(name));
    if (foreign !== undefined) return { kind: 'usage', problem: `there is no target ${foreign}` };
    const names = known.filter((name) => positionals.length === 0 || positionals.includes(name));
    const [seconds, from] = [numberOf(secondsRange, values.seconds), numberOf(seedRange, values.seed)];
    return { kind: 'run', options: { names, seconds, seed: from } };
  } catch (error) {
    return { kind: 'usage', problem: (error as Error).message };
  }
}
