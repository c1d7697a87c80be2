import { parseArgs } from 'node:util';

export interface ChaosOptions {
  /** Ids of rows, in the order of the table. */
  readonly ids: readonly string[];
  /** Events published each second. */
  readonly rate: number;
  /** Writes the results into docs/reliability.md. */
  readonly record: boolean;
}

const rateDefault = 30;
const rateMax = 1_000;

export type ChaosCommand =
  | { readonly kind: 'run'; readonly options: ChaosOptions }
  | { readonly kind: 'usage'; readonly problem: string | null };

/** Reads the command line; whatever it does not know is a usage problem. */
export function parseChaosCommand(args: readonly string[], known: readonly string[]): ChaosCommand {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rate: { type: 'string', default: String(rateDefault) },
        record: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { kind: 'usage', problem: null };
    const wanted = positionals.map((id) => id.toUpperCase());
    const foreign = wanted.find((id) => !known.includes(id));
    if (foreign !== undefined) return { kind: 'usage', problem: `there is no row ${foreign}` };
    const rate = Number(values.rate);
    if (!(rate >= 1 && rate <= rateMax))
      return { kind: 'usage', problem: `--rate takes a number from 1 to ${rateMax}, not ${values.rate}` };
    const ids = known.filter((id) => wanted.length === 0 || wanted.includes(id));
    return { kind: 'run', options: { ids, rate, record: values.record } };
  } catch (error) {
    return { kind: 'usage', problem: (error as Error).message };
  }
}
