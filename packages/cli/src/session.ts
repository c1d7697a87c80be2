import type { Command } from 'commander';
import type { KafkaPort } from '@postrider/kafka';
import { CliError, exitCodes } from './cli-error.ts';
import { findConnection, requireBrokers, requireServer, type Connection, type ConnectionFlags } from './connection.ts';
import type { CliContext } from './context.ts';
import { openRpc, type Rpc } from './rpc.ts';
import { formatTable } from './table.ts';

/** What a command works with: the context, the flags that every command has, and the two ways out. */
export interface Session {
  readonly context: CliContext;
  /** True with `--json`. */
  readonly json: boolean;
  /** Runs `work` with the control plane's services, and closes them. */
  withRpc<T>(work: (rpc: Rpc) => Promise<T>): Promise<T>;
  /** Runs `work` with a connection to Kafka, and closes it. */
  withKafka<T>(work: (kafka: KafkaPort, topicPrefix: string) => Promise<T>): Promise<T>;
  /**
   * Before what cannot be taken back, on commands that `addYes` gave `--yes`: asks whether to do it unless `--yes` is given.
   * Throws `CliError` when nobody is there to be asked, or the answer is another one than yes.
   */
  confirm(what: string): Promise<void>;
  /** Prints one document: JSON with `--json`, else what `text` makes of it. */
  print(document: unknown, text: () => string): void;
  /** Prints one entry of a stream: one line of JSON with `--json`, else what `text` makes of it. */
  printEntry(entry: unknown, text: () => string): void;
  /** Prints a list: one JSON document with `--json`, else a table, or `none` when it is empty. */
  printList(document: unknown, heading: readonly string[], rows: readonly (readonly string[])[], none: string): void;
}

/** Opens the session of a command from its own and its parents' options. */
export function openSession(context: CliContext, command: Command): Session {
  const flags = command.optsWithGlobals<ConnectionFlags & { json?: boolean; yes?: boolean }>();
  const json = flags.json === true;
  const connection = () => findConnection(flags, context.env, context.cwd);
  const print: Session['print'] = (document, text) =>
    context.out(json ? `${JSON.stringify(document, jsonValue, 2)}\n` : text());
  return {
    context,
    json,
    withRpc: async (work) => {
      using rpc = openRpc(requireServer(connection(), context.cwd));
      return await work(rpc);
    },
    withKafka: async (work) => {
      const found = requireBrokers(connection());
      await using kafka = context.connectKafka({ server: '', apiKey: '', ...found } satisfies Connection);
      return await work(kafka, found.topicPrefix);
    },
    confirm: (what) => (flags.yes === true ? Promise.resolve() : askFirst(context, what)),
    print,
    printEntry: (entry, text) => context.out(json ? `${JSON.stringify(entry, jsonValue)}\n` : text()),
    printList: (document, heading, rows, none) =>
      print(document, () => (rows.length === 0 ? `${none}\n` : formatTable(heading, rows, context.columns))),
  };
}

/** Makes a command one that asks before it destroys something. */
export function addYes(command: Command): Command {
  return command.option('-y, --yes', 'do it without being asked; must be given where nobody can be', false);
}

async function askFirst({ ask }: CliContext, what: string): Promise<void> {
  if (ask === null) throw new CliError(exitCodes.usage, `${what}? This cannot be taken back: say so with --yes.`);
  const answer = await ask(`${what}? This cannot be taken back. Type yes to go on: `).catch(() => '');
  if (!/^\s*y(?:es)?\s*$/i.test(answer)) throw new CliError(exitCodes.failed, 'Nothing was done.');
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
