import { parseArgs } from 'node:util';
import { limits } from '@postrider/core';
import { logLevels, type LogLevel } from '@postrider/runtime';
import { numberOf, type NumberRange } from './number-flag.ts';
import { isPlainBench, parsePlain, plainUsage, type PlainBenchName, type PlainOptions } from './plain-options.ts';

/** What `bench dispatch` is asked to measure. */
export interface DispatchOptions {
  /** Length of each measured dispatch run, after its warm-up. */
  readonly seconds: number;
  readonly endpoints: number;
  readonly bodyBytes: number;
  /** Requests in flight, of the dispatcher and of the raw loop alike. */
  readonly inFlight: number;
  /** Of the dispatcher. At its default, `info`, it writes one line for each attempt. */
  readonly logLevel: LogLevel;
  /** Runs the dispatcher under the CPU profiler, once, and keeps no results: the profiler costs CPU itself. */
  readonly profile: boolean;
  /** Keeps the results in the repository, where the newest official figures stand; else among the caches. */
  readonly record: boolean;
}

export type Command =
  | { readonly kind: 'dispatch'; readonly options: DispatchOptions }
  | { readonly [name in PlainBenchName]: { readonly kind: name; readonly options: PlainOptions<name> } }[PlainBenchName]
  | { readonly kind: 'usage'; readonly problem: string | null };

export const usage = `usage: npm run bench -- <bench> [flags]

  dispatch             real Kafka → dispatcher → sink, against a raw signed undici loop in the same run (A-B-B-A)
    --seconds <n>      measured seconds of each dispatch run, after its warm-up (default 60)
    --endpoints <n>    endpoints, spread over ten tenants (default 1000)
    --body <bytes>     bytes of each body (default 1024)
    --in-flight <n>    requests in flight (default 128)
    --log-level <l>    of the dispatcher: ${logLevels.join(', ')} (default info)
    --record           keep the results as the repository's newest figures
    --profile          one dispatch run under the CPU profiler: its top functions, no results kept

${plainUsage}

The last line printed is one JSON object. Raw data: .cache/bench/<bench>.json, or with
--record test/bench/results/<bench>.json
`;

const ranges = {
  seconds: { flag: 'seconds', least: 1, most: 3_600 },
  // As many endpoints as a dispatcher keeps connections to: more would measure handshakes.
  endpoints: { flag: 'endpoints', least: 1, most: 4_096 },
  bodyBytes: { flag: 'body', least: 64, most: limits.bodyBytesDefault },
  inFlight: { flag: 'in-flight', least: 1, most: limits.podInFlightMax },
} as const satisfies Readonly<Record<string, NumberRange>>;

/** Reads the command line; whatever it does not know is a usage problem. */
export function parseCommand(args: readonly string[]): Command {
  const [name, ...rest] = args;
  try {
    if (isPlainBench(name) && !rest.includes('--help'))
      return { kind: name, options: parsePlain(name, rest) } as Command;
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seconds: { type: 'string', default: '60' },
        endpoints: { type: 'string', default: '1000' },
        body: { type: 'string', default: '1024' },
        'in-flight': { type: 'string', default: '128' },
        'log-level': { type: 'string', default: 'info' },
        profile: { type: 'boolean', default: false },
        record: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { kind: 'usage', problem: null };
    const [bench, ...more] = positionals;
    if (bench !== 'dispatch' || more.length > 0) return { kind: 'usage', problem: unknownBench(positionals) };
    const number = (name: keyof typeof ranges): number => numberOf(ranges[name], values[ranges[name].flag]);
    return {
      kind: 'dispatch',
      options: {
        seconds: number('seconds'),
        endpoints: number('endpoints'),
        bodyBytes: number('bodyBytes'),
        inFlight: number('inFlight'),
        logLevel: logLevelOf(values['log-level']),
        profile: values.profile,
        record: values.record,
      },
    };
  } catch (error) {
    return { kind: 'usage', problem: (error as Error).message };
  }
}

function unknownBench(positionals: readonly string[]): string {
  if (positionals.length === 0) return 'Which bench?';
  return positionals[0] === 'dispatch'
    ? `Unexpected argument '${positionals.slice(1).join(' ')}'`
    : `Unknown bench '${positionals[0]}'`;
}

function logLevelOf(text: string): LogLevel {
  const level = logLevels.find((one) => one === text);
  if (level === undefined) throw new RangeError(`--log-level must be one of ${logLevels.join(', ')}, not '${text}'`);
  return level;
}
