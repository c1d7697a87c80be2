import type { KafkaPort } from '@postrider/kafka';
import { runCli } from './program.ts';

export interface CliRun {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line in this process, for tests. `env` is all that it sees of the environment. */
export async function cli(
  args: readonly string[],
  options: {
    readonly env?: Record<string, string>;
    readonly cwd?: string;
    readonly stdin?: string;
    readonly ask?: (question: string) => Promise<string>;
    readonly kafka?: () => KafkaPort;
    readonly signal?: AbortSignal;
    onOut?(text: string): void;
  } = {},
): Promise<CliRun> {
  let out = '';
  let err = '';
  const exitCode = await runCli(args, {
    env: options.env ?? {},
    cwd: options.cwd ?? '/',
    stdin: stdinOf(options.stdin ?? ''),
    ask: options.ask ?? null,
    out: (text) => {
      out += text;
      options.onOut?.(text);
    },
    err: (text) => {
      err += text;
    },
    columns: undefined,
    signal: options.signal ?? new AbortController().signal,
    connectKafka: () => {
      if (options.kafka === undefined) throw new Error('this test has no Kafka');
      return options.kafka();
    },
  });
  return { exitCode, out, err };
}

async function* stdinOf(text: string): AsyncIterable<string> {
  yield text;
}
