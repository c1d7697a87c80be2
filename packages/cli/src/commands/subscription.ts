import type { Command } from 'commander';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { plainEnum } from '@postrider/core';
import type { CliContext } from '../context.ts';
import { endpointName, shortName, subscriptionName } from '../names.ts';
import { allPages } from '../paging.ts';
import { openSession } from '../session.ts';

/** `postrider subscription …` */
export function subscriptionCommand(program: Command, context: CliContext): void {
  const subscription = program
    .command('subscription')
    .description('Manage subscriptions: which events an endpoint wants.');
  subscription
    .command('create <endpoint>')
    .description('Subscribe an endpoint (tenant/endpoint) to event types.')
    .requiredOption('--types <list>', 'event types, for example invoice.paid,order.* or *', (text) => text.split(','))
    .option('--id <id>', 'last part of the name; the server gives one when absent')
    .addHelpText('after', '\nExample:\n  postrider subscription create acme/orders --types "order.*"')
    .action(async (endpoint: string, options: { types: string[]; id?: string }, command: Command) => {
      const session = openSession(context, command);
      const created = await session.withRpc((rpc) =>
        rpc.call(rpc.subscriptions, rpc.subscriptions.createSubscription, {
          parent: endpointName(endpoint),
          subscriptionId: options.id ?? '',
          subscription: Subscription.fromPartial({ eventTypes: options.types.map((type) => type.trim()) }),
          requestId: '',
        }),
      );
      session.print(
        Subscription.toJSON(created),
        () => `Subscription ${shortName(created.name)} to ${created.eventTypes.join(', ')}\n`,
      );
    });
  subscription
    .command('list <endpoint>')
    .description('List the subscriptions of an endpoint (tenant/endpoint; tenant/- for all of a tenant).')
    .addHelpText('after', '\nExample:\n  postrider subscription list acme/-')
    .action(async (endpoint: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const subscriptions = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const request = { parent: endpointName(endpoint), pageSize: 500, pageToken };
          const page = await rpc.call(rpc.subscriptions, rpc.subscriptions.listSubscriptions, request);
          return { entries: page.subscriptions, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        subscriptions.map(Subscription.toJSON),
        ['SUBSCRIPTION', 'STATE', 'EVENT TYPES'],
        subscriptions.map((entry) => [
          shortName(entry.name),
          plainEnum(entry.state, 'SUBSCRIPTION_STATE'),
          entry.eventTypes.join(', '),
        ]),
        'There are no subscriptions.',
      );
    });
  subscription
    .command('delete <subscription>')
    .description('Delete a subscription (tenant/endpoint/subscription).')
    .addHelpText('after', '\nExample:\n  postrider subscription delete acme/orders/all')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: subscriptionName(name), etag: '' };
      await session.withRpc((rpc) => rpc.call(rpc.subscriptions, rpc.subscriptions.deleteSubscription, request));
      session.print({ deleted: request.name }, () => `Deleted ${request.name}.\n`);
    });
}
