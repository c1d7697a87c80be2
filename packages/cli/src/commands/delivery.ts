import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import {
  DeliveryExplanation,
  DeliveryStage,
  EndpointBacklog,
  MoveTo,
} from '@postrider/contract/postrider/v1/delivery_service';
import { deliveryId, plainEnum } from '@postrider/core';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { deliveryName, endpointName } from '../names.ts';
import { openSession, type Session } from '../session.ts';
import type { Rpc } from '../rpc.ts';
import { formatTable } from '../table.ts';

const moves = [
  { word: 'now', to: MoveTo.DUE_NOW, description: 'Make a delivery that waits for its time due now.' },
  { word: 'behind', to: MoveTo.BULK, description: 'Let a delivery stand behind its endpoint’s live work from now on.' },
] as const;

/** `postrider delivery …` */
export function deliveryCommand(program: Command, context: CliContext): void {
  const delivery = program
    .command('delivery')
    .description(
      'Ask where single deliveries are, and skip or move them. A webhook-id (msg_…) will do for a delivery’s own.',
    );
  const run = '--run <id>';
  const runHelp = 'id of the resend, recovery or replay; without it the first run';
  delivery
    .command('explain <tenant/endpoint> <delivery>')
    .description('Tell where a delivery is and why.')
    .option(run, runHelp, '')
    .addHelpText('after', '\nExample:\n  postrider delivery explain acme/orders dlv_0123456789abcdef0123456789abcdef')
    .action(async (endpoint: string, id: string, options: { run: string }, command: Command) => {
      const session = openSession(context, command);
      const told = await session.withRpc(async (rpc) => {
        const request = { name: await meant(rpc, endpoint, id), runId: options.run };
        return await rpc.call(rpc.deliveries, rpc.deliveries.explainDelivery, request);
      });
      printExplanation(session, told);
      if (told.stage === DeliveryStage.UNKNOWN) throw new CliError(exitCodes.notFound, 'It was not found.');
    });
  delivery
    .command('skip <tenant/endpoint> <delivery>')
    .description('End a delivery as cancelled: it is not sent, and what stands behind it in its order goes on.')
    .requiredOption('--reason <text>', 'why, for the people who find it')
    .option(run, runHelp, '')
    .addHelpText(
      'after',
      '\nExample:\n  postrider delivery skip acme/orders dlv_0123456789abcdef0123456789abcdef --reason "a broken event"',
    )
    .action(async (endpoint: string, id: string, options: { run: string; reason: string }, command: Command) => {
      const session = openSession(context, command);
      const told = await session.withRpc(async (rpc) => {
        const request = { name: await meant(rpc, endpoint, id), runId: options.run, reason: options.reason };
        return await rpc.call(rpc.deliveries, rpc.deliveries.skipDelivery, request);
      });
      printExplanation(session, told);
    });
  for (const move of moves) {
    delivery
      .command(`${move.word} <tenant/endpoint> <delivery>`)
      .description(move.description)
      .option(run, runHelp, '')
      .addHelpText(
        'after',
        `\nExample:\n  postrider delivery ${move.word} acme/orders dlv_0123456789abcdef0123456789abcdef`,
      )
      .action(async (endpoint: string, id: string, options: { run: string }, command: Command) => {
        const session = openSession(context, command);
        const told = await session.withRpc(async (rpc) => {
          const request = { name: await meant(rpc, endpoint, id), runId: options.run, to: move.to };
          return await rpc.call(rpc.deliveries, rpc.deliveries.moveDelivery, request);
        });
        printExplanation(session, told);
      });
  }
}

/** The delivery by its own id, or by the `webhook-id` that its receiver sees, which all deliveries of an event share. */
async function meant(rpc: Rpc, endpoint: string, id: string): Promise<string> {
  if (!/^(?:dlv|msg)_./.test(id))
    throw new CliError(exitCodes.usage, `"${id}" is no delivery: its id begins with dlv_, a webhook-id with msg_.`);
  if (!id.startsWith('msg_')) return deliveryName(endpoint, id);
  const { uid } = await rpc.call(rpc.endpoints, rpc.endpoints.getEndpoint, { name: endpointName(endpoint) });
  return deliveryName(endpoint, deliveryId(id, uid));
}

/** `postrider backlog …` */
export function backlogCommand(program: Command, context: CliContext): void {
  program
    .command('backlog <tenant/endpoint>')
    .description('Tell what of an endpoint is not delivered yet, why, and how its lane stands.')
    .addHelpText('after', '\nExample:\n  postrider backlog acme/orders')
    .action(async (endpoint: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: endpointName(endpoint) };
      const told = await session.withRpc((rpc) => rpc.call(rpc.deliveries, rpc.deliveries.getEndpointBacklog, request));
      session.print(protoJson('EndpointBacklog', EndpointBacklog.encode(told)), () =>
        backlogText(told, context.columns),
      );
    });
}

function printExplanation(session: Session, told: DeliveryExplanation): void {
  session.print(
    protoJson('DeliveryExplanation', DeliveryExplanation.encode(told)),
    () => `${plainEnum(told.stage, 'DELIVERY_STAGE')}: ${told.summary}\n`,
  );
}

function backlogText(told: EndpointBacklog, columns: number | undefined): string {
  const { lane } = told;
  const rows: [string, string][] = [
    ['bytes', `${told.bytes} (of ${told.counted} that were looked at)`],
    ['oldest', told.oldestTime?.toISOString() ?? '–'],
    ['next due', told.nextDueTime?.toISOString() ?? '–'],
    ['first expires', told.nextExpireTime?.toISOString() ?? '–'],
    ['partition', `${told.partition} of ${told.dispatcher}`],
  ];
  if (lane !== undefined) {
    rows.push(['lane', plainEnum(lane.gate, 'LANE_GATE')], ['in flight at most', String(lane.concurrencyLimit)]);
    if (lane.holdUntilTime !== undefined) rows.push(['held until', lane.holdUntilTime.toISOString()]);
    if (lane.breaker !== '') rows.push(['breaker', lane.breaker]);
  }
  return `${told.summary}\n${formatTable(['', ''], rows, columns)}`;
}
