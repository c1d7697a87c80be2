import type { Command } from 'commander';
import {
  askNameServers,
  checkUrl,
  createNames,
  createPolicy,
  defaultLimits,
  parsePolicy,
  type AddressPolicy,
  type CheckedUrl,
} from '@postrider/egress';
import { systemClock } from '@postrider/runtime';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { readNamedFile } from '../named-file.ts';
import { openSession, type Session } from '../session.ts';
import { formatRow } from '../table.ts';
import { addressCommands } from './egress-addresses.ts';

interface CheckOptions {
  readonly stdin?: boolean;
  /** False with `--no-dns`. */
  readonly dns: boolean;
  readonly policy?: string;
}

/** Wide enough for the verdicts, and for the reasons that are not rare. */
const widths = [7, 22];

/** `postrider egress …` */
export function egressCommand(program: Command, context: CliContext): void {
  const egress = program
    .command('egress')
    .description('See and announce where requests come from, and ask what the door to endpoints would do.');
  addressCommands(egress, context);
  egress
    .command('check')
    .description('Judge URLs by the rules that dispatchers send by; exit code 1 when any of them is denied.')
    .argument('[url...]')
    .option('--stdin', 'read URLs from standard input, one a line')
    .option('--no-dns', 'judge without resolving names')
    .option('--policy <file>', 'JSON policy, as POSTRIDER_EGRESS_POLICY_FILE of a dispatcher names it')
    .addHelpText('after', '\nExample:\n  postrider egress check https://hooks.example.com/in --policy policy.json')
    .action(async (urls: string[], options: CheckOptions, command: Command) => {
      if (urls.length === 0 && options.stdin !== true) {
        throw new CliError(exitCodes.usage, 'No URL to judge: name one, or use --stdin.');
      }
      const policy = options.policy === undefined ? createPolicy() : readPolicy(context, options.policy);
      const denied = await checkAll(openSession(context, command), urlsOf(context, urls, options), policy, options.dns);
      if (denied > 0) throw new CliError(exitCodes.failed, `${denied} denied.`);
    });
}

async function checkAll(
  session: Session,
  urls: AsyncIterable<string>,
  policy: AddressPolicy,
  dns: boolean,
): Promise<number> {
  const limits = defaultLimits;
  const names = createNames({ ask: askNameServers(limits.resolveMs), clock: systemClock, limits });
  let denied = 0;
  for await (const url of urls) {
    const checked = await checkUrl(url, policy, dns ? names.resolve : null);
    if (checked.verdict === 'deny') denied += 1;
    session.printEntry({ url, verdict: checked.verdict, reason: reasonOf(checked) }, () => row(url, checked));
  }
  names.close();
  return denied;
}

function reasonOf(checked: CheckedUrl): string {
  return checked.verdict === 'deny' ? checked.reason : '';
}

function row(url: string, checked: CheckedUrl): string {
  const detail = checked.verdict === 'deny' ? `  (${checked.detail})` : '';
  return formatRow([checked.verdict, reasonOf(checked), `${url}${detail}`], widths);
}

async function* urlsOf(context: CliContext, urls: readonly string[], { stdin }: CheckOptions): AsyncIterable<string> {
  yield* urls;
  if (stdin === true) yield* linesOf(context.stdin);
}

/** An empty line is an empty URL: there is an answer for each line. Only line feeds end one, with or without a return. */
async function* linesOf(chunks: CliContext['stdin']): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true }))).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.replace(/\r$/, '');
  }
  if (rest !== '') yield rest;
}

function readPolicy(context: CliContext, file: string): AddressPolicy {
  const text = readNamedFile(context.cwd, '--policy', file);
  try {
    return parsePolicy(text);
  } catch (error) {
    throw new CliError(exitCodes.usage, `The policy ${file} cannot be used: ${(error as Error).message}`);
  }
}
