import type { KafkaPort } from '@postrider/kafka';
import type { Connection } from './connection.ts';

/** What a command may touch of the world; tests hand in their own. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the search for a running installation's connection file begins. */
  readonly cwd: string;
  readonly stdin: AsyncIterable<Buffer | string>;
  /** Asks the person at the terminal, and resolves with what was typed; null: nobody is there. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  /** Width of the terminal in characters; undefined when standard output is not a terminal. */
  readonly columns: number | undefined;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  connectKafka(connection: Connection): KafkaPort;
}
