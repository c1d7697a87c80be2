import type { Command } from 'commander';
import { exitCodes, CliError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { startListener, type ReceivedRequest } from '../listener.ts';
import { secretOf, type SecretOptions } from '../named-secret.ts';
import { parseCount, parseWaitMs } from '../parse.ts';
import { openSession } from '../session.ts';
import { clean } from '../table.ts';

interface ListenOptions extends SecretOptions {
  readonly host: string;
  readonly port: number;
  readonly status: number;
  readonly delay: number;
  readonly failFirst: number;
  readonly count: number;
}

/** `postrider listen` */
export function listenCommand(program: Command, context: CliContext): void {
  program
    .command('listen')
    .description('Receive webhooks here, print them, and verify their signatures with the official verifier.')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 for any', parseCount(0, 65_535), 4400)
    .option('--secret <whsec_…>', 'the endpoint’s signing secret')
    .option('--secret-file <file>', 'the same, from a file, so that no list of processes shows it')
    .option('--status <status>', 'what to answer, 200–599', parseCount(200, 599), 200)
    .option('--delay <duration>', 'answer only after this time', parseWaitMs, 0)
    .option('--fail-first <n>', 'answer 500 to the first n requests of each webhook-id', parseCount(0), 0)
    .option('--count <n>', 'exit after this many requests', parseCount(0), 0)
    .addHelpText(
      'after',
      '\nExit code 1 when any signature was wrong.\n\nExample:\n  postrider listen --port 4400 --secret whsec_… --fail-first 2',
    )
    .action(async (options: ListenOptions, command: Command) => {
      const session = openSession(context, command);
      const { count, delay, host, port, status, failFirst } = options;
      const secret = secretOf(options, context.cwd);
      const done = Promise.withResolvers<void>();
      let received = 0;
      let invalid = 0;
      await using listener = await startListener({
        ...{ host, port, status, failFirst },
        ...(secret === undefined ? {} : { secret }),
        delayMs: delay,
        onRequest: (request) => {
          received += 1;
          if (request.signature.startsWith('INVALID')) invalid += 1;
          session.printEntry(request, () => describe(request));
          if (received === count) done.resolve();
        },
      });
      if (!session.json) context.out(`Listening on http://${options.host}:${listener.port} (Ctrl-C to stop).\n`);
      context.signal.addEventListener('abort', () => done.resolve(), { once: true });
      if (context.signal.aborted) done.resolve();
      await done.promise;
      if (invalid > 0) throw new CliError(exitCodes.failed, `${invalid} of ${received} signatures were wrong.`);
    });
}

/** What every request carries, whoever sends it: left out for people. */
const ofTransport = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'accept', 'accept-encoding']);

function describe(request: ReceivedRequest): string {
  const { headers } = request;
  const lines = [
    '',
    `${request.time}  POST ${request.path}  → ${request.status}`,
    ...Object.entries(headers)
      .filter(([name]) => !ofTransport.has(name))
      .map(([name, value]) => `  ${name}: ${value}`),
    `  signature ${request.signature}`,
    `  ${request.body.length > 2_000 ? `${request.body.slice(0, 2_000)}…` : request.body}`,
  ];
  return `${lines.map(clean).join('\n')}\n`;
}
