import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import {
  ListDispatchersResponse,
  UndrainDispatcherResponse,
  type Dispatcher,
} from '@postrider/contract/postrider/v1/dispatcher_service';
import { Drain } from '@postrider/contract/postrider/v1/drain';
import type { CliContext } from '../context.ts';
import { dispatcherName } from '../names.ts';
import { openSession } from '../session.ts';

/** `postrider dispatcher …` */
export function dispatcherCommand(program: Command, context: CliContext): void {
  const dispatcher = program.command('dispatcher').description('See the dispatchers, and take work from them.');
  dispatcher
    .command('list')
    .description('List the dispatchers, and what each says of itself.')
    .addHelpText('after', '\nExample:\n  postrider dispatcher list')
    .action(async (_options: object, command: Command) => {
      const session = openSession(context, command);
      const told = await session.withRpc((rpc) => rpc.call(rpc.dispatchers, rpc.dispatchers.listDispatchers, {}));
      session.printList(
        protoJson('ListDispatchersResponse', ListDispatchersResponse.encode(told)),
        ['DISPATCHER', 'PARTITIONS', 'WAITING', 'IN FLIGHT', 'STATE'],
        told.dispatchers.map((one) => [
          one.name.slice('dispatchers/'.length),
          String(one.partitions.length),
          String(one.status?.waiting ?? '?'),
          String(one.status?.inFlight ?? '?'),
          stateWords(one),
        ]),
        'There are no dispatchers.',
      );
    });
  dispatcher
    .command('drain <dispatcher>')
    .description('Let a dispatcher finish, release its partitions, and take none until it is undrained or restarted.')
    .requiredOption('--reason <text>', 'why, for the people who find it')
    .option('--force', 'also if nobody else would be left to deliver', false)
    .addHelpText(
      'after',
      '\nExample:\n  postrider dispatcher drain dispatcher-0-1a2b3c4d --reason "its disk is failing"',
    )
    .action(async (name: string, options: { reason: string; force: boolean }, command: Command) => {
      const session = openSession(context, command);
      const request = { name: dispatcherName(name), ...options };
      const made = await session.withRpc((rpc) => rpc.call(rpc.dispatchers, rpc.dispatchers.drainDispatcher, request));
      session.print(
        protoJson('Drain', Drain.encode(made)),
        () => `${made.name} is being drained; "postrider dispatcher list" tells how far.\n`,
      );
    });
  dispatcher
    .command('undrain <dispatcher>')
    .description('Let a drained dispatcher take part again.')
    .addHelpText('after', '\nExample:\n  postrider dispatcher undrain dispatcher-0-1a2b3c4d')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: dispatcherName(name) };
      const told = await session.withRpc((rpc) =>
        rpc.call(rpc.dispatchers, rpc.dispatchers.undrainDispatcher, request),
      );
      session.print(protoJson('UndrainDispatcherResponse', UndrainDispatcherResponse.encode(told)), () =>
        told.ended === undefined ? `${request.name} was not drained.\n` : `${request.name} takes part again.\n`,
      );
    });
}

function stateWords({ drain, problem, status, member }: Dispatcher): string {
  if (drain !== undefined) return `drained: ${drain.reason}`;
  if (problem !== '') return problem;
  if (!member) return 'not a member of the group';
  return status === undefined || status.troubles.length === 0 ? 'ok' : status.troubles.join('; ');
}
