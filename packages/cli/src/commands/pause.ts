import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import { Pause } from '@postrider/contract/postrider/v1/pause';
import { ResumeDeliveriesResponse } from '@postrider/contract/postrider/v1/pause_service';
import type { CliContext } from '../context.ts';
import { egressPoolName, endpointName, tenantName } from '../names.ts';
import { allPages } from '../paging.ts';
import { parseDurationMs } from '../parse.ts';
import { openSession } from '../session.ts';

interface PauseOptions {
  readonly reason: string;
  readonly for?: number;
}

/** What may be paused: the word on the command line, its argument, and the resource name that it means. */
const scopes = [
  {
    word: 'everything',
    argument: '',
    example: 'everything',
    what: 'the whole installation',
    nameOf: () => 'installation',
  },
  { word: 'tenant', argument: ' <tenant>', example: 'tenant acme', what: 'a tenant', nameOf: tenantName },
  {
    word: 'endpoint',
    argument: ' <tenant/endpoint>',
    example: 'endpoint acme/orders',
    what: 'an endpoint',
    nameOf: endpointName,
  },
  {
    word: 'pool',
    argument: ' <pool>',
    example: 'pool partners',
    what: 'all endpoints whose requests leave from an egress pool',
    nameOf: egressPoolName,
  },
] as const;

/** `postrider pause …` and `postrider resume …` */
export function pauseCommands(program: Command, context: CliContext): void {
  const pause = program
    .command('pause')
    .description('Stop sending for a while. What is in flight ends by itself; everything else waits, or expires.');
  for (const scope of scopes) addPause(pause, scope, context);
  addList(pause, context);
  const resume = program.command('resume').description('Let go on what was paused: oldest first.');
  for (const scope of scopes) addResume(resume, scope, context);
}

type Scope = (typeof scopes)[number];

function addPause(parent: Command, { word, argument, example, what, nameOf }: Scope, context: CliContext): void {
  parent
    .command(`${word}${argument}`)
    .description(`Pause ${what}, or change the pause that is there.`)
    .requiredOption('--reason <text>', 'why, for the people who find it')
    .option('--for <duration>', 'go on by itself after this time, for example 30m or 2h', parseDurationMs)
    .addHelpText('after', `\nExample:\n  postrider pause ${example} --reason "the partner is down" --for 2h`)
    .action(async (...args: unknown[]) => {
      const command = args.at(-1) as Command;
      const { reason, for: forMs } = command.opts<PauseOptions>();
      const session = openSession(context, command);
      const expireTime = forMs === undefined ? undefined : new Date(Date.now() + forMs);
      const made = await session.withRpc((rpc) =>
        rpc.call(rpc.pauses, rpc.pauses.pauseDeliveries, { name: nameOf(command.args[0] ?? ''), reason, expireTime }),
      );
      session.print(protoJson('Pause', Pause.encode(made)), () => `Paused ${made.name} ${untilWords(made)}.\n`);
    });
}

function addResume(parent: Command, { word, argument, example, what, nameOf }: Scope, context: CliContext): void {
  parent
    .command(`${word}${argument}`)
    .description(`Resume ${what}.`)
    .addHelpText('after', `\nExample:\n  postrider resume ${example}`)
    .action(async (...args: unknown[]) => {
      const command = args.at(-1) as Command;
      const session = openSession(context, command);
      const name = nameOf(command.args[0] ?? '');
      const answer = await session.withRpc((rpc) => rpc.call(rpc.pauses, rpc.pauses.resumeDeliveries, { name }));
      session.print(protoJson('ResumeDeliveriesResponse', ResumeDeliveriesResponse.encode(answer)), () => {
        const first = answer.ended === undefined ? `${name} was not paused.` : `Resumed ${name}.`;
        const others = answer.remaining.map(
          (pause) => `  ${pause.name} is paused ${untilWords(pause)}: ${pause.reason}`,
        );
        return `${[first, ...(others.length > 0 ? ['It is not sent anything yet:', ...others] : [])].join('\n')}\n`;
      });
    });
}

function addList(parent: Command, context: CliContext): void {
  parent
    .command('list')
    .description('List what is paused.')
    .addHelpText('after', '\nExample:\n  postrider pause list')
    .action(async (_options: object, command: Command) => {
      const session = openSession(context, command);
      const pauses = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const page = await rpc.call(rpc.pauses, rpc.pauses.listPauses, { pageSize: 500, pageToken });
          return { entries: page.pauses, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        pauses.map((one) => protoJson('Pause', Pause.encode(one))),
        ['PAUSED', 'SINCE', 'UNTIL', 'BY', 'REASON'],
        pauses.map((pause) => [
          pause.name,
          pause.createTime?.toISOString() ?? '',
          pause.expireTime?.toISOString() ?? 'resumed',
          pause.heldByInstallation ? `${pause.actor} (installation)` : pause.actor,
          pause.reason,
        ]),
        'Nothing is paused.',
      );
    });
}

function untilWords({ expireTime }: Pause): string {
  return expireTime === undefined ? 'until somebody resumes' : `until ${expireTime.toISOString()}`;
}
