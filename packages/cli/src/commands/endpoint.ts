import { InvalidArgumentError, Option, type Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { Endpoint, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { plainEnum } from '@postrider/core';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { secretOf, type SecretOptions } from '../named-secret.ts';
import { endpointName, shortName, tenantName } from '../names.ts';
import { addListOptions, type ListOptions } from '../list-options.ts';
import { allPages } from '../paging.ts';
import { parseTypes } from '../parse.ts';
import { addYes, openSession, type Session } from '../session.ts';
import { describeEndpoint } from './endpoint-text.ts';
import { accessFields, addAccessOptions, type AccessOptions } from './endpoint-access.ts';
import {
  addEndpointOptions,
  addRemovalOptions,
  dependsOnBefore,
  endpointFields,
  type EndpointOptions,
} from './endpoint-options.ts';

type Options = EndpointOptions & AccessOptions;
type CreateOptions = Options & SecretOptions & { readonly id?: string; readonly eventTypes?: readonly string[] };

const addOptions = (command: Command): Command => addAccessOptions(addEndpointOptions(command));

function fieldsOf(options: Options, context: CliContext, before?: Endpoint): ReturnType<typeof endpointFields> {
  const [own, access] = [endpointFields(options, before), accessFields(options, context)];
  return { endpoint: { ...own.endpoint, ...access.endpoint }, paths: [...own.paths, ...access.paths] };
}

/** `postrider endpoint …` */
export function endpointCommand(program: Command, context: CliContext): void {
  const endpoint = program.command('endpoint').description('Manage endpoints: where tenants want events.');
  createCommand(endpoint, context);
  readCommands(endpoint, context);
  updateCommand(endpoint, context);
  stateCommands(endpoint, context);
}

function createCommand(endpoint: Command, context: CliContext): void {
  addOptions(
    endpoint
      .command('create <tenant>')
      .description('Create an endpoint. Its signing secret is printed this one time.')
      .requiredOption('--url <url>', 'where requests go')
      .option('--id <id>', 'last part of the name; the server gives one when absent')
      .option('--secret <whsec_…|whsk_…>', 'import a signing secret instead of generating one')
      .option('--secret-file <file>', 'the same, from a file, so that no list of processes shows it')
      .option('--event-types <list>', 'subscribe it to these, for example invoice.paid,order.* or *', parseTypes),
  )
    .addHelpText(
      'after',
      '\nExample:\n  postrider endpoint create acme --id orders --url https://hooks.example.com/in --delays 10s,1m,1h',
    )
    .action(async (tenant: string, options: CreateOptions, command: Command) => {
      const session = openSession(context, command);
      const created = await session.withRpc((rpc) =>
        rpc.call(rpc.endpoints, rpc.endpoints.createEndpoint, {
          parent: tenantName(tenant),
          endpointId: options.id ?? '',
          endpoint: Endpoint.fromPartial({
            ...fieldsOf(options, context).endpoint,
            signingSecret: secretOf(options, context.cwd) ?? '',
          }),
          requestId: '',
        }),
      );
      // First of all: the secret is not shown again, whatever becomes of the subscription.
      printEndpoint(session, created);
      if (options.eventTypes === undefined) return tellUnsubscribed(session, created);
      const subscription = Subscription.fromPartial({ eventTypes: [...options.eventTypes] });
      const request = { parent: created.name, subscriptionId: '', subscription, requestId: '' };
      const { name } = await session.withRpc((rpc) =>
        rpc.call(rpc.subscriptions, rpc.subscriptions.createSubscription, request),
      );
      if (!session.json) context.out(`Subscribed       ${shortName(name)} to ${options.eventTypes.join(', ')}\n`);
    });
}

function tellUnsubscribed({ json, context }: Session, { name }: Endpoint): void {
  if (json) return;
  const how = `postrider subscription create ${shortName(name)} --types "*"`;
  context.err(`postrider: it is subscribed to nothing yet, and gets nothing: ${how}\n`);
}

function readCommands(endpoint: Command, context: CliContext): void {
  endpoint
    .command('get <endpoint>')
    .description('Show an endpoint (tenant/endpoint).')
    .addHelpText('after', '\nExample:\n  postrider endpoint get acme/orders')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const found = await session.withRpc((rpc) =>
        rpc.call(rpc.endpoints, rpc.endpoints.getEndpoint, { name: endpointName(name) }),
      );
      printEndpoint(session, found);
    });
  addListOptions(
    endpoint.command('list [tenant]').description('List the endpoints of a tenant, or of all.'),
    'state = DISABLED AND labels.team = "x"',
  )
    .addHelpText(
      'after',
      '\nExample:\n  postrider endpoint list acme --filter "state = DISABLED" --order-by "create_time desc"',
    )
    .action(async (tenant: string | undefined, { filter, orderBy }: ListOptions, command: Command) => {
      const session = openSession(context, command);
      const endpoints = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const request = { parent: tenantName(tenant ?? '-'), pageSize: 500, pageToken, filter, orderBy };
          const page = await rpc.call(rpc.endpoints, rpc.endpoints.listEndpoints, request);
          return { entries: page.endpoints, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        endpoints.map((one) => protoJson('Endpoint', Endpoint.encode(one))),
        ['ENDPOINT', 'STATE', 'UID', 'URL'],
        endpoints.map((entry) => [
          shortName(entry.name),
          plainEnum(entry.state, 'ENDPOINT_STATE'),
          entry.uid,
          entry.url,
        ]),
        'There are no endpoints.',
      );
    });
}

function updateCommand(endpoint: Command, context: CliContext): void {
  addRemovalOptions(
    addOptions(
      endpoint
        .command('update <endpoint>')
        .description('Change what is given of an endpoint; the rest stays, other labels and headers too.')
        .option('--url <url>', 'where requests go')
        .addOption(new Option('--secret <secret>').hideHelp().argParser(refuseSecret))
        .option('--etag <etag>', 'only if this is the current version'),
    ),
  )
    .addHelpText('after', '\nExample:\n  postrider endpoint update acme/orders --timeout 5s')
    .action(async (name: string, options: Options & { etag?: string }, command: Command) => {
      const session = openSession(context, command);
      const changed = await session.withRpc(async (rpc) => {
        const names = { name: endpointName(name) };
        const before = dependsOnBefore(options)
          ? await rpc.call(rpc.endpoints, rpc.endpoints.getEndpoint, names)
          : undefined;
        const { endpoint: fields, paths } = fieldsOf(options, context, before);
        if (paths.length === 0) throw new CliError(exitCodes.usage, 'Nothing to change: give at least one option.');
        const etag = options.etag ?? before?.etag ?? '';
        const request = { endpoint: Endpoint.fromPartial({ ...fields, ...names, etag }), updateMask: paths };
        return await rpc.call(rpc.endpoints, rpc.endpoints.updateEndpoint, request);
      });
      printEndpoint(session, changed);
    });
}

/** People look for it here. */
function refuseSecret(): never {
  throw new InvalidArgumentError('"postrider secret rotate" gives an endpoint another secret.');
}

function stateCommands(endpoint: Command, context: CliContext): void {
  endpoint
    .command('enable <endpoint>')
    .description('Enable an endpoint. What happened while it was disabled is not sent by itself.')
    .addHelpText('after', '\nExample:\n  postrider endpoint enable acme/orders')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: endpointName(name), etag: '' };
      printEndpoint(
        session,
        await session.withRpc((rpc) => rpc.call(rpc.endpoints, rpc.endpoints.enableEndpoint, request)),
      );
    });
  addYes(endpoint.command('disable <endpoint>').description('Disable an endpoint: no new event is matched to it.'))
    .option('--cancel-pending', 'cancel its pending deliveries instead of keeping them', false)
    .addHelpText('after', '\nExample:\n  postrider endpoint disable acme/orders --cancel-pending --yes')
    .action(async (name: string, options: { cancelPending: boolean }, command: Command) => {
      const session = openSession(context, command);
      const pending = options.cancelPending ? PendingPolicy.CANCEL : PendingPolicy.KEEP;
      const request = { name: endpointName(name), pending, etag: '' };
      if (options.cancelPending) await session.confirm(`Cancel what is pending for ${request.name}`);
      printEndpoint(
        session,
        await session.withRpc((rpc) => rpc.call(rpc.endpoints, rpc.endpoints.disableEndpoint, request)),
      );
    });
  addYes(
    endpoint
      .command('delete <endpoint>')
      .description('Delete an endpoint and its subscriptions; pending deliveries are cancelled.'),
  )
    .addHelpText('after', '\nExample:\n  postrider endpoint delete acme/orders --yes')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: endpointName(name), etag: '' };
      await session.confirm(`Delete ${request.name}, and cancel what is pending for it`);
      await session.withRpc((rpc) => rpc.call(rpc.endpoints, rpc.endpoints.deleteEndpoint, request));
      session.print({ deleted: request.name }, () => `Deleted ${request.name}.\n`);
    });
}

function printEndpoint(session: Session, endpoint: Endpoint): void {
  session.print(protoJson('Endpoint', Endpoint.encode(endpoint)), () => describeEndpoint(endpoint));
}
