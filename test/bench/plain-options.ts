import { parseArgs } from 'node:util';
import { numberOf, type NumberRange } from './number-flag.ts';

/** A bench that is told some whole numbers and whether to keep its results in the repository. */
interface PlainBench {
  readonly does: string;
  readonly numbers: Readonly<Record<string, NumberFlag>>;
}

interface NumberFlag extends Omit<NumberRange, 'flag'> {
  readonly does: string;
  readonly default: number;
}

const loopNumbers = {
  endpoints: { does: 'endpoints', default: 1_000, least: 1, most: 4_096 },
  'in-flight': { does: 'requests in flight', default: 128, least: 1, most: 1_024 },
  body: { does: 'bytes of each body', default: 1_024, least: 64, most: 262_144 },
  seconds: { does: 'measured seconds of each run, after its warm-up', default: 8, least: 1, most: 600 },
  rounds: { does: 'pairs of runs; medians are told', default: 3, least: 1, most: 99 },
} as const;

const rigNumbers = {
  seconds: { does: 'measured seconds of each run, after its warm-up', default: 60, least: 2, most: 3_600 },
  rate: { does: 'deliveries a second; 0: 60 % of what a dispatcher reaches', default: 0, least: 0, most: 100_000 },
  endpoints: { does: 'endpoints, of ten tenants', default: 1_000, least: 20, most: 4_096 },
  body: { does: 'bytes of each body', default: 1_024, least: 128, most: 262_144 },
} as const;

/** The benches of waiting deliveries, of requests, and of the search for broken promises. */
export const plainBenches = {
  store: {
    does: 'waiting deliveries on disk: put, get, delete, load; memory of each',
    numbers: {
      rows: { does: 'rows in all', default: 1_000_000, least: 10_000, most: 20_000_000 },
      body: { does: 'bytes of each body', default: 1_024, least: 64, most: 262_144 },
      rounds: { does: 'times that all is measured; medians are told', default: 3, least: 1, most: 9 },
    },
  },
  takeover: {
    does: 'real Kafka: one dispatcher takes over partitions with waiting deliveries, and live ones go on',
    numbers: {
      rows: { does: 'waiting deliveries', default: 200_000, least: 1_000, most: 5_000_000 },
      body: { does: 'bytes of each body', default: 1_024, least: 64, most: 262_144 },
      rounds: { does: 'takeovers; medians are told', default: 3, least: 1, most: 9 },
    },
  },
  timers: {
    does: 'many retries due within one second, then 60 % of what the dispatcher can do',
    numbers: {
      rows: { does: 'retries due within one second', default: 100_000, least: 1_000, most: 1_000_000 },
      seconds: { does: 'length of the steady part', default: 10, least: 2, most: 600 },
      rounds: { does: 'times that all is measured; medians are told', default: 3, least: 1, most: 9 },
    },
  },
  'egress-http': {
    does: 'signed POSTs through the door to endpoints alone, against the raw loop',
    numbers: loopNumbers,
  },
  'egress-tls': {
    does: 'the same over TLS: connections kept, and a new handshake for each request',
    // Each is shaken hands with before anything is measured.
    numbers: { ...loopNumbers, endpoints: { ...loopNumbers.endpoints, default: 200 } },
  },
  guard: {
    does: 'what judging URLs and addresses costs, against a whole signed request over plain connections',
    numbers: {
      checks: { does: 'times that each check is made', default: 300_000, least: 1_000, most: 100_000_000 },
      'in-flight': { does: 'requests in flight', default: 64, least: 1, most: 1_024 },
      body: { does: 'bytes of each body', default: 1_024, least: 64, most: 262_144 },
      seconds: { does: 'measured seconds of each run, after its warm-up', default: 5, least: 1, most: 600 },
      rounds: { does: 'times that all is measured; medians are told', default: 3, least: 1, most: 99 },
    },
  },
  hosts: {
    does: 'many endpoints in one process: sockets and memory, and what grows from round to round',
    numbers: {
      endpoints: { does: 'endpoints, each with a host name of its own', default: 10_000, least: 100, most: 100_000 },
      idle: { does: 'endpoints whose connections are idle at the end', default: 1_000, least: 1, most: 4_000 },
      rounds: { does: 'times that all are sent to', default: 10, least: 2, most: 100 },
    },
  },
  churn: {
    does: 'real Kafka: an hour of retries written at full speed, and how little of it a takeover reads',
    numbers: {
      rows: { does: 'deliveries that wait, each tried once a minute', default: 4_000, least: 100, most: 100_000 },
      body: { does: 'bytes of each body', default: 1_024, least: 64, most: 262_144 },
    },
  },
  layers: {
    does: 'CPU of a delivery layer by layer, from the bare request to a whole dispatcher without a broker (4 min)',
    numbers: { ...loopNumbers, rounds: { ...loopNumbers.rounds, does: 'times there and back', default: 1 } },
  },
  neighbour: {
    does: 'endpoints that are well beside such that hang, then beside dead ones; A-B-B-A each (12 min)',
    numbers: rigNumbers,
  },
  collapse: {
    does: 'a steady load beside ever more to endpoints that never answer; A-B-B-A (13 min)',
    numbers: {
      ...rigNumbers,
      seconds: { ...rigNumbers.seconds, does: 'seconds of each of the four steps' },
      rate: { does: 'deliveries a second to endpoints that are well', default: 100, least: 1, most: 10_000 },
    },
  },
  latency: {
    does: 'from an event to its first bytes at the sink, against the bare chain over Kafka; A-B-B-A (6 min)',
    numbers: { ...rigNumbers, rate: { does: 'events a second', default: 500, least: 1, most: 10_000 } },
  },
  noisy: {
    does: 'ten tenants, one of which sends a hundred times as much as each other; A-B-B-A (7 min)',
    numbers: rigNumbers,
  },
  'fan-out-1000': {
    does: 'one event to every endpoint of a tenant, against as many POSTs of the raw loop; A-B-B-A (5 min)',
    numbers: {
      seconds: rigNumbers.seconds,
      every: { does: 'milliseconds from event to event', default: 2_000, least: 50, most: 60_000 },
      endpoints: { ...rigNumbers.endpoints, does: 'endpoints of the tenant' },
      body: rigNumbers.body,
    },
  },
  'end-to-end': {
    does: 'events → router → dispatcher → sink: how many fit through, whether deliveries keep up, and their CPU (5 min)',
    numbers: {
      ...rigNumbers,
      rate: { ...rigNumbers.rate, does: 'events a second that are to be kept up with; 0: 80 % of what fits through' },
    },
  },
  recover: {
    does: 'much that waits for one endpoint and for many of one partition, beside a steady load; again with a kill (25 min)',
    numbers: {
      seconds: { ...rigNumbers.seconds, default: 180 },
      rate: { does: 'deliveries a second to the others', default: 200, least: 1, most: 10_000 },
      dispatch: {
        does: 'deliveries a second that a dispatcher can do; 0: measured',
        default: 0,
        least: 0,
        most: 100_000,
      },
      waiting: { does: 'deliveries that wait for the one endpoint', default: 100_000, least: 10, most: 1_000_000 },
      'one-rate': { does: 'what it takes in a second', default: 1_000, least: 1, most: 10_000 },
      lanes: { does: 'endpoints of the one partition', default: 500, least: 2, most: 3_000 },
      'lane-waiting': { does: 'deliveries that wait for each of them', default: 2_000, least: 1, most: 100_000 },
      fast: { does: 'what half of them take in a second', default: 50, least: 1, most: 1_000 },
      slow: { does: 'what the other half take in a second', default: 1, least: 1, most: 1_000 },
      body: rigNumbers.body,
    },
  },
  memory: {
    does: 'what a dispatcher holds while a slow sink has many large requests in flight (22 min)',
    numbers: {
      seconds: { ...rigNumbers.seconds, does: 'how long', default: 1_200 },
      'in-flight': { does: 'requests in flight', default: 1_000, least: 10, most: 1_000 },
      body: { ...rigNumbers.body, default: 65_536 },
    },
  },
  scale: {
    does: 'the same load on 1, 2 and 4 dispatchers, 10 to 100,000 endpoints, 12 and 256 partitions; there and back (16 min)',
    numbers: {
      ...rigNumbers,
      endpoints: { does: 'the most endpoints', default: 100_000, least: 1_000, most: 500_000 },
    },
  },
  'control-plane': {
    does: 'one control plane, with TLS and API keys: an import of many endpoints, then creates and gets among them (5 min)',
    numbers: {
      seconds: { ...rigNumbers.seconds, does: 'measured seconds of creates, and of gets' },
      callers: { does: 'calls at once', default: 64, least: 1, most: 64 },
      import: { does: 'endpoints that are imported', default: 100_000, least: 1_000, most: 1_000_000 },
      importers: { does: 'calls at once of the import', default: 256, least: 1, most: 2_048 },
    },
  },
  publish: {
    does: 'events through the control plane, with TLS and API keys, by calls and in streams, against kafkajs alone; there and back (2 min)',
    numbers: {
      seconds: { ...rigNumbers.seconds, default: 10 },
      rate: { does: 'calls a second, of one event each, of the steady part', default: 500, least: 1, most: 10_000 },
      together: { does: 'events of a call, or of a part of a stream', default: 100, least: 1, most: 1_000 },
      callers: { does: 'calls at once', default: 16, least: 1, most: 64 },
      body: { ...rigNumbers.body, most: 8_192 },
    },
  },
  'config-load': {
    does: 'real Kafka: how long a process reads its configuration at its start, and what it takes (1 min)',
    numbers: {
      endpoints: { does: 'endpoints', default: 200_000, least: 1_000, most: 1_000_000 },
      rounds: { does: 'processes, one after the other; medians are told', default: 3, least: 1, most: 9 },
    },
  },
  'config-apply': {
    does: 'from a create to every dispatcher that goes by it, idle and beside deliveries at full speed (3 min)',
    numbers: {
      ...{ seconds: rigNumbers.seconds, endpoints: rigNumbers.endpoints, body: rigNumbers.body },
      rate: { does: 'creates a second', default: 5, least: 1, most: 100 },
      dispatchers: { does: 'dispatchers', default: 2, least: 1, most: 8 },
    },
  },
  all: {
    does: 'what a delivery costs, that no endpoint slows another, and the control plane: all of these benches and dispatch (117 min)',
    numbers: {
      seconds: { does: 'of each bench, instead of its own; 0: its own', default: 0, least: 0, most: 3_600 },
    },
  },
  page: {
    does: 'writes the figures on record into docs/performance.md, and draws its picture',
    numbers: {},
  },
  simulate: {
    does: 'schedules of the simulation, in as many processes as there are cores',
    numbers: {
      seeds: { does: 'how many', default: 1_000, least: 16, most: 1_000_000 },
      from: { does: 'the first one', default: 1, least: 1, most: 1_000_000_000 },
    },
  },
} as const satisfies Readonly<Record<string, PlainBench>>;

export type PlainBenchName = keyof typeof plainBenches;
/** What a plain bench is told. */
export type PlainOptions<name extends PlainBenchName> = {
  readonly [flag in keyof (typeof plainBenches)[name]['numbers']]: number;
} & { readonly record: boolean };

export function isPlainBench(name: string | undefined): name is PlainBenchName {
  return name !== undefined && Object.hasOwn(plainBenches, name);
}

/**
 * Reads the flags of a plain bench.
 * @throws Error that says what is wrong
 */
export function parsePlain<name extends PlainBenchName>(name: name, args: readonly string[]): PlainOptions<name> {
  const numbers: Readonly<Record<string, NumberFlag>> = plainBenches[name].numbers;
  const flags = Object.fromEntries(Object.keys(numbers).map((flag) => [flag, { type: 'string' as const }]));
  const { values } = parseArgs({ args: [...args], options: { ...flags, record: { type: 'boolean', default: false } } });
  const told = Object.entries(numbers).map(([flag, range]): [string, number] => {
    const text = (values as Readonly<Record<string, unknown>>)[flag];
    if (text === undefined) return [flag, range.default];
    return [flag, numberOf({ flag, ...range }, typeof text === 'string' ? text : '')];
  });
  return { ...Object.fromEntries(told), record: values['record'] === true } as PlainOptions<name>;
}

/** Help on all of them. */
export const plainUsage = Object.entries(plainBenches)
  .map(([name, { does, numbers }]) => {
    const flags = Object.entries(numbers).map(
      ([flag, range]) => `    ${`--${flag} <n>`.padEnd(19)}${range.does} (default ${range.default})`,
    );
    return [
      `  ${name.padEnd(21)}${does}`,
      ...flags,
      ...(flags.length > 0 ? ["    --record           keep the results as the repository's newest figures"] : []),
    ].join('\n');
  })
  .join('\n\n');
