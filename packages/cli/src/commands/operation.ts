import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import { Operation } from '@postrider/contract/postrider/v1/operation';
import { durationOf } from '@postrider/core';
import { countOf } from '../count-of.ts';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { operationName, shortName } from '../names.ts';
import { allPages } from '../paging.ts';
import type { Rpc } from '../rpc.ts';
import { addYes, openSession } from '../session.ts';

/** How long one question waits: how often people are told how far it is. */
const WAIT_MS = 5_000;

/** `postrider operation …` */
export function operationCommand(program: Command, context: CliContext): void {
  const operation = program.command('operation').description('Look at what goes on after the call that has begun it.');
  listCommand(operation, context);
  operation
    .command('get <operation>')
    .description('Show an operation, and how far it is.')
    .addHelpText('after', '\nExample:\n  postrider operation get op_0123456789abcdef0123456789abcdef --json')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: operationName(name) };
      const found = await session.withRpc((rpc) => rpc.call(rpc.operations, rpc.operations.getOperation, request));
      session.print(protoJson('Operation', Operation.encode(found)), () => `${words(found)}\n`);
    });
  operation
    .command('wait <operation>')
    .description('Wait until an operation is done; exit code 1 when it has ended with an error.')
    .addHelpText('after', '\nExample:\n  postrider operation wait op_0123456789abcdef0123456789abcdef')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const done = await session.withRpc((rpc) => untilDone(rpc, operationName(name), context));
      session.print(protoJson('Operation', Operation.encode(done)), () => `${words(done)}\n`);
    });
  addYes(operation.command('delete <operation>').description('Forget an operation that is done.'))
    .addHelpText('after', '\nExample:\n  postrider operation delete op_0123456789abcdef0123456789abcdef --yes')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: operationName(name) };
      await session.confirm(`Forget ${request.name}`);
      await session.withRpc((rpc) => rpc.call(rpc.operations, rpc.operations.deleteOperation, request));
      session.print({ deleted: request.name }, () => `Forgot ${request.name}.\n`);
    });
}

function listCommand(operation: Command, context: CliContext): void {
  operation
    .command('list')
    .description('List operations, also those that were done within the last days.')
    .addHelpText('after', '\nExample:\n  postrider operation list')
    .action(async (_options: object, command: Command) => {
      const session = openSession(context, command);
      const found = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const request = { pageSize: 500, pageToken };
          const page = await rpc.call(rpc.operations, rpc.operations.listOperations, request);
          return { entries: page.operations, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        found.map((one) => protoJson('Operation', Operation.encode(one))),
        ['OPERATION', 'DOES', 'BEGUN', 'STATE'],
        found.map((one) => [shortName(one.name), doing(one), one.createTime?.toISOString() ?? '', standing(one)]),
        'There are no operations.',
      );
    });
}

/**
 * Waits until an operation is done, and tells on standard error how far it is.
 * @throws CliError when it has ended with an error, or nobody waits any more
 */
export async function untilDone(
  rpc: Rpc,
  name: string,
  context: Pick<CliContext, 'err' | 'signal'>,
): Promise<Operation> {
  const request = { name, timeout: durationOf(WAIT_MS) };
  for (;;) {
    const operation = await rpc.call(rpc.operations, rpc.operations.waitOperation, request);
    if (operation.error !== undefined) throw new CliError(exitCodes.failed, words(operation));
    if (operation.done) return operation;
    if (context.signal.aborted) throw new CliError(exitCodes.failed, `${words(operation)}. It goes on by itself.`);
    context.err(`${words(operation)}\n`);
  }
}

function words(operation: Operation): string {
  return `${operation.name} ${doing(operation)}: ${standing(operation)}`;
}

function doing({ metadata, tenant }: Operation): string {
  return metadata === undefined ? 'does what this version does not know' : `deletes ${tenant}`;
}

function standing({ done, error, metadata }: Operation): string {
  if (error !== undefined) return `ended with an error: ${error.message}`;
  if (done) return 'done';
  const { remainingEndpointCount: left = 0, endpointCount = 0 } = metadata?.value ?? {};
  return `${left} of ${countOf(endpointCount, 'endpoint')} are left`;
}
