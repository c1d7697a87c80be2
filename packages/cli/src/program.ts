import { Command, CommanderError, type Option } from 'commander';
import { VERSION } from '@postrider/core';
import { CliError, exitCodes, failureLine } from './cli-error.ts';
import { apiKeyCommand } from './commands/api-key.ts';
import { auditCommand } from './commands/audit.ts';
import { attemptsCommand } from './commands/attempts.ts';
import { backlogCommand, deliveryCommand } from './commands/delivery.ts';
import { dispatcherCommand } from './commands/dispatcher.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { doctorCommand } from './commands/doctor.ts';
import { egressCommand } from './commands/egress.ts';
import { endpointCommand } from './commands/endpoint.ts';
import { eventsCommand } from './commands/events.ts';
import { eventTypeCommand } from './commands/event-type.ts';
import { keyCommand } from './commands/key.ts';
import { listenCommand } from './commands/listen.ts';
import { operationCommand } from './commands/operation.ts';
import { pauseCommands } from './commands/pause.ts';
import { publishCommand } from './commands/publish.ts';
import { quarantineCommand } from './commands/quarantine.ts';
import { roleCommand } from './commands/role.ts';
import { secretCommand } from './commands/secret.ts';
import { subscriptionCommand } from './commands/subscription.ts';
import { tenantCommand } from './commands/tenant.ts';
import { topicsCommand } from './commands/topics.ts';
import type { CliContext } from './context.ts';
import { explainKafkaError } from './kafka-error.ts';

/** What scripts may rely on, and where the connection is found. */
export const exitCodeHelp = `
Exit codes: 0 done; 1 refused or not as it should be; 2 wrong usage, or --yes is missing; 3 server or Kafka does not
answer; 4 not found.
The connection is found in the flags, else POSTRIDER_SERVER, POSTRIDER_API_KEY or POSTRIDER_API_KEY_FILE, and
POSTRIDER_KAFKA_BROKERS, else in .postrider/connection.json of a running standalone installation. For TLS:
POSTRIDER_CA_FILE, POSTRIDER_CERT_FILE, POSTRIDER_KEY_FILE and POSTRIDER_SERVER_NAME.`;

/**
 * Runs one command line.
 * @param args what follows the program's name
 * @returns the exit code; see `exitCodes`
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  const isJson = args.includes('--json');
  const program = buildProgram(context, isJson);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    // Commander has already printed help or what is wrong with the command line.
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.ok;
      if (isJson) context.err(failureLine(exitCodes.usage, error.message));
      return exitCodes.usage;
    }
    const known = error instanceof CliError ? error : explainKafkaError(error);
    const exitCode = known?.exitCode ?? exitCodes.failed;
    const text = known?.message ?? (error as Error).stack ?? String(error);
    context.err(isJson ? failureLine(exitCode, text, known?.report ?? { code: 'INTERNAL' }) : `postrider: ${text}\n`);
    return exitCode;
  }
}

/** Every command, ready to be run in this context; a quiet one leaves it to its caller to say that a command line is wrong. */
export function buildProgram(context: CliContext, isQuiet = false): Command {
  const program = withConnection(new Command('postrider'))
    .description('Manage Postrider: tenants, endpoints and subscriptions over gRPC; events and attempts over Kafka.')
    .configureOutput({ writeOut: (text) => context.out(text), writeErr: (text) => void (isQuiet || context.err(text)) })
    .version(VERSION, '--version', 'print the version')
    .configureHelp({ optionDescription })
    .addHelpText('after', exitCodeHelp)
    .showHelpAfterError('(--help tells more)')
    .exitOverride();
  for (const add of [
    tenantCommand,
    endpointCommand,
    subscriptionCommand,
    eventTypeCommand,
    secretCommand,
    eventsCommand,
    keyCommand,
    apiKeyCommand,
    roleCommand,
    auditCommand,
    operationCommand,
    doctorCommand,
    backlogCommand,
    deliveryCommand,
    pauseCommands,
    dispatcherCommand,
    publishCommand,
    listenCommand,
    deadLettersCommand,
    quarantineCommand,
    attemptsCommand,
    topicsCommand,
    egressCommand,
  ])
    add(program, context);
  inheritSettings(program, program.commands);
  return program;
}

/** What an option is for, whether it must be given, and a default that is worth telling. */
export function optionDescription({ description, mandatory, defaultValue }: Option): string {
  if (mandatory) return `${description} (required)`;
  const isTold = (typeof defaultValue === 'string' && defaultValue !== '') || typeof defaultValue === 'number';
  return isTold ? `${description} (default: ${JSON.stringify(defaultValue)})` : description;
}

/** The options of every command. */
function withConnection(command: Command): Command {
  return command
    .option('--server <host:port>', 'gRPC server; TLS but on this machine, unless http:// stands before it')
    .option('--api-key <prk_…>', 'API key, or a JWT')
    .option('--api-key-file <file>', 'the same, from a file, so that no list of processes shows it')
    .option('--ca <file>', 'PEM of the authorities that vouch for the server')
    .option('--cert <file>', 'PEM of the client certificate to show')
    .option('--key <file>', 'PEM of its key')
    .option('--server-name <name>', 'the name in the server’s certificate, where it is not the host’s')
    .option('--brokers <list>', 'Kafka brokers, host:port separated by commas')
    .option('--topic-prefix <prefix>', 'prefix of Postrider’s topics')
    .option('--json', 'print JSON: one document, or one object a line for streams');
}

/** Commander's settings do not reach nested commands by themselves; neither does a global flag that is typed last. */
function inheritSettings(parent: Command, commands: readonly Command[]): void {
  for (const command of commands) {
    command.copyInheritedSettings(parent);
    if (command.commands.length === 0) withConnection(command);
    inheritSettings(command, command.commands);
  }
}
