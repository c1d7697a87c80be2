import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import { Subscription, SubscriptionState } from '@postrider/contract/postrider/v1/subscription';
import { plainEnum } from '@postrider/core';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { endpointName, shortName, subscriptionName } from '../names.ts';
import { addListOptions, type ListOptions } from '../list-options.ts';
import { allPages } from '../paging.ts';
import { addLabelOption, addLabelRemoval, labelChange, type LabelOptions } from '../label-options.ts';
import { isChange, pairsAfter } from '../pairs.ts';
import { parseSubscriptionState, parseTypes } from '../parse.ts';
import { addYes, openSession, type Session } from '../session.ts';

interface Options extends LabelOptions {
  readonly types?: readonly string[];
  readonly state?: SubscriptionState;
}

const typesFlag = '--types <list>';
const typesHelp = 'event types, for example invoice.paid,order.* or *';

/** `postrider subscription …` */
export function subscriptionCommand(program: Command, context: CliContext): void {
  const subscription = program
    .command('subscription')
    .description('Manage subscriptions: which events an endpoint wants.');
  createCommand(subscription, context);
  readCommands(subscription, context);
  updateCommand(subscription, context);
  typeCommands(subscription, context);
  addYes(subscription.command('delete <subscription>').description('Delete a subscription.'))
    .addHelpText('after', '\nExample:\n  postrider subscription delete acme/orders/all --yes')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: subscriptionName(name), etag: '' };
      await session.confirm(`Delete ${request.name}`);
      await session.withRpc((rpc) => rpc.call(rpc.subscriptions, rpc.subscriptions.deleteSubscription, request));
      session.print({ deleted: request.name }, () => `Deleted ${request.name}.\n`);
    });
}

function createCommand(parent: Command, context: CliContext): void {
  addOptions(
    parent
      .command('create <endpoint>')
      .description('Subscribe an endpoint (tenant/endpoint) to event types.')
      .requiredOption(typesFlag, typesHelp, parseTypes)
      .option('--id <id>', 'last part of the name; the server gives one when absent'),
  )
    .addHelpText('after', '\nExample:\n  postrider subscription create acme/orders --types "order.*"')
    .action(async (endpoint: string, options: Options & { id?: string }, command: Command) => {
      const session = openSession(context, command);
      const created = await session.withRpc((rpc) =>
        rpc.call(rpc.subscriptions, rpc.subscriptions.createSubscription, {
          parent: endpointName(endpoint),
          subscriptionId: options.id ?? '',
          subscription: fieldsOf(options).subscription,
          requestId: '',
        }),
      );
      printSubscription(session, created);
    });
}

function readCommands(parent: Command, context: CliContext): void {
  parent
    .command('get <subscription>')
    .description('Show a subscription (tenant/endpoint/subscription).')
    .addHelpText('after', '\nExample:\n  postrider subscription get acme/orders/all')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: subscriptionName(name) };
      const found = await session.withRpc((rpc) =>
        rpc.call(rpc.subscriptions, rpc.subscriptions.getSubscription, request),
      );
      printSubscription(session, found);
    });
  addListOptions(
    parent
      .command('list <endpoint>')
      .description('List the subscriptions of an endpoint (tenant/endpoint; tenant/- for all of a tenant).'),
    'event_types:"order.paid" AND state = PAUSED',
  )
    .addHelpText('after', '\nExample:\n  postrider subscription list acme/-')
    .action(async (endpoint: string, { filter, orderBy }: ListOptions, command: Command) => {
      const session = openSession(context, command);
      const subscriptions = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const request = { parent: endpointName(endpoint), pageSize: 500, pageToken, filter, orderBy };
          const page = await rpc.call(rpc.subscriptions, rpc.subscriptions.listSubscriptions, request);
          return { entries: page.subscriptions, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        subscriptions.map((one) => protoJson('Subscription', Subscription.encode(one))),
        ['SUBSCRIPTION', 'STATE', 'EVENT TYPES'],
        subscriptions.map((entry) => [
          shortName(entry.name),
          plainEnum(entry.state, 'SUBSCRIPTION_STATE'),
          entry.eventTypes.join(', '),
        ]),
        'There are no subscriptions.',
      );
    });
}

function updateCommand(parent: Command, context: CliContext): void {
  addOptions(
    addLabelRemoval(
      parent
        .command('update <subscription>')
        .description('Change what is given of a subscription; the rest stays.')
        .option(typesFlag, typesHelp, parseTypes),
    ).option('--etag <etag>', 'only if this is the current version'),
  )
    .addHelpText('after', '\nExample:\n  postrider subscription update acme/orders/all --state paused')
    .action(async (name: string, options: Options & { etag?: string }, command: Command) => {
      const session = openSession(context, command);
      const changed = await session.withRpc(async (rpc) => {
        const names = { name: subscriptionName(name) };
        const before = isChange(labelChange(options))
          ? await rpc.call(rpc.subscriptions, rpc.subscriptions.getSubscription, names)
          : undefined;
        const { subscription: fields, paths } = fieldsOf(options, before);
        if (paths.length === 0) throw new CliError(exitCodes.usage, 'Nothing to change: give at least one option.');
        const subscription = { ...fields, ...names, etag: options.etag ?? before?.etag ?? '' };
        return await rpc.call(rpc.subscriptions, rpc.subscriptions.updateSubscription, {
          ...{ subscription, updateMask: paths },
        });
      });
      printSubscription(session, changed);
    });
}

/** What changes the list of types without reading it first. */
function typeCommands(parent: Command, context: CliContext): void {
  for (const [verb, description] of [
    ['add-types', 'Add event types to a subscription (tenant/endpoint/subscription).'],
    ['remove-types', 'Take event types out of a subscription (tenant/endpoint/subscription).'],
  ] as const) {
    parent
      .command(`${verb} <subscription> <types...>`)
      .description(description)
      .addHelpText('after', `\nExample:\n  postrider subscription ${verb} acme/orders/all order.paid "invoice.*"`)
      .action(async (name: string, eventTypes: string[], _options: object, command: Command) => {
        const session = openSession(context, command);
        const request = { name: subscriptionName(name), eventTypes, etag: '' };
        const changed = await session.withRpc(({ call, subscriptions }) =>
          verb === 'add-types'
            ? call(subscriptions, subscriptions.addEventTypes, request)
            : call(subscriptions, subscriptions.removeEventTypes, request),
        );
        printSubscription(session, changed);
      });
  }
}

function addOptions(command: Command): Command {
  const flag = '--state <active|paused>';
  return addLabelOption(command.option(flag, 'whether it matches anything', parseSubscriptionState));
}

/** The subscription's fields that the options set, and the paths of a field mask for just these. */
function fieldsOf(options: Options, before?: Subscription): { subscription: Subscription; paths: string[] } {
  const { types, state } = options;
  const change = labelChange(options);
  const labels = isChange(change) ? pairsAfter(before?.labels ?? {}, change) : undefined;
  const subscription = Subscription.fromPartial({
    ...(types === undefined ? {} : { eventTypes: [...types] }),
    ...(state === undefined ? {} : { state }),
    ...(labels === undefined ? {} : { labels }),
  });
  const given = { event_types: types, state, labels };
  return { subscription, paths: Object.entries(given).flatMap(([path, value]) => (value === undefined ? [] : [path])) };
}

function printSubscription(session: Session, subscription: Subscription): void {
  session.print(protoJson('Subscription', Subscription.encode(subscription)), () => {
    const { name, eventTypes, state } = subscription;
    const paused = state === SubscriptionState.PAUSED ? ' (paused)' : '';
    return `Subscription ${shortName(name)} to ${eventTypes.join(', ')}${paused}\n`;
  });
}
