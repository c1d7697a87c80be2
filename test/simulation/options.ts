import { parseArgs } from 'node:util';
import { ruleOf, rules } from './plants/index.ts';
import { isNarrowSchedule } from './schedules.ts';

/** In place of a rule: each in turn. */
export const ALL = 'all';

/** What `npm run simulate` is asked to do. */
export interface SimulateOptions {
  readonly from: number;
  readonly seeds: number;
  /** Every step of the one seed is printed. */
  readonly trace: boolean;
  /** Rules of the product to be taken out. */
  readonly without: readonly string[];
  /** A named schedule instead of random ones. */
  readonly schedule: string | null;
  readonly processes: number;
  /** What came of the rules that were taken out is kept in the documentation. */
  readonly record: boolean;
}

export type Command =
  | { readonly kind: 'run'; readonly options: SimulateOptions }
  | { readonly kind: 'list' }
  | { readonly kind: 'usage'; readonly problem: string | null };

export const usage = `usage: npm run simulate -- [flags]

  --seeds <n>        how many seeds (default 500)
  --from <n>         the first one (default 1)
  --seed <n>         only this one
  --trace            print every step of it
  --schedule <name>  a directed schedule instead of a random one
  --random           random schedules, also for a rule that has a directed one
  --without <rule>   take a rule out of the code first, and run its directed schedule if it has one; may be given several
                     times, then with random schedules; all: one after the other, until a promise is broken
  --record           write into docs/reliability.md what came of the rules that were taken out
  --processes <n>    processes that share the seeds (default 2)
  --list             the rules that can be taken out, and the directed schedules

The last line printed is one JSON object. Exit code 1: a promise was broken.
`;

const SEED_MAX = 2 ** 31 - 1;

/** Reads the command line; whatever it does not know is a usage problem. */
export function parseCommand(args: readonly string[]): Command {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seeds: { type: 'string', default: '500' },
        from: { type: 'string', default: '1' },
        seed: { type: 'string' },
        trace: { type: 'boolean', default: false },
        schedule: { type: 'string' },
        random: { type: 'boolean', default: false },
        without: { type: 'string', multiple: true, default: [] },
        processes: { type: 'string', default: '2' },
        record: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { kind: 'usage', problem: null };
    if (values.list) return { kind: 'list' };
    const one = values.seed === undefined ? null : count('seed', values.seed, SEED_MAX);
    const options = {
      from: one ?? count('from', values.from, SEED_MAX),
      seeds: one === null ? count('seeds', values.seeds, 10_000_000) : 1,
      trace: values.trace,
      without: values.without,
      schedule: values.schedule ?? (values.random ? null : scheduleOfOnly(values.without)),
      processes: count('processes', values.processes, 64),
      record: values.record,
    };
    // Both throw for a name that is not listed.
    for (const name of options.without) if (name !== ALL) ruleOf(name);
    if (options.schedule !== null) isNarrowSchedule(options.schedule);
    if (options.record && options.without.length === 0)
      return { kind: 'usage', problem: '--record goes with --without' };
    if (values.random && values.schedule !== undefined)
      return { kind: 'usage', problem: '--random does not go with --schedule' };
    if (options.trace && one === null) return { kind: 'usage', problem: '--trace goes with --seed' };
    return { kind: 'run', options };
  } catch (error) {
    return { kind: 'usage', problem: (error as Error).message };
  }
}

/** A rule that is taken out alone is missed where its schedule leads. */
function scheduleOfOnly([rule, ...others]: readonly string[]): string | null {
  if (others.length > 0) return null;
  return rules.find(({ name }) => name === rule)?.schedule ?? null;
}

function count(flag: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new TypeError(`--${flag}: "${text}" is not a whole number from 1 to ${most}`);
  return value;
}
