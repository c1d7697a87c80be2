import { protoJson } from '@postrider/contract/proto-json';
import type { Command } from 'commander';
import { EventType } from '@postrider/contract/postrider/v1/event_type';
import { plainEnum } from '@postrider/core';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { readNamedFile } from '../named-file.ts';
import { eventTypeName, shortName } from '../names.ts';
import { addListOptions, type ListOptions } from '../list-options.ts';
import { allPages } from '../paging.ts';
import { addYes, openSession, type Session } from '../session.ts';

interface Described {
  readonly description?: string;
  readonly schema?: string;
  readonly example?: string[];
}

/** `postrider event-type …` */
export function eventTypeCommand(program: Command, context: CliContext): void {
  const eventType = program
    .command('event-type')
    .description('Describe what is published: event types with their JSON Schema and examples.');
  addDescribing(eventType, context);
  addListOptions(
    eventType
      .command('list')
      .description('List event types.')
      .option('--archived', 'archived ones, too', false)
      .option('--prefix <text>', 'only types that begin with this', ''),
    'labels.owner = "billing"',
  )
    .addHelpText('after', '\nExample:\n  postrider event-type list --prefix invoice.')
    .action(async (options: ListOptions & { archived: boolean; prefix: string }, command: Command) => {
      const session = openSession(context, command);
      const eventTypes = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const filters = {
            showArchived: options.archived,
            typePrefix: options.prefix,
            filter: options.filter,
            orderBy: options.orderBy,
          };
          const request = { ...filters, pageSize: 500, pageToken };
          const page = await rpc.call(rpc.eventTypes, rpc.eventTypes.listEventTypes, request);
          return { entries: page.eventTypes, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        eventTypes.map((one) => protoJson('EventType', EventType.encode(one))),
        ['EVENT TYPE', 'STATE', 'SCHEMA', 'DESCRIPTION'],
        eventTypes.map((entry) => [
          shortName(entry.name),
          plainEnum(entry.state, 'EVENT_TYPE_STATE'),
          entry.schema === '' ? 'none' : 'yes',
          entry.description.split('\n')[0] ?? '',
        ]),
        options.archived
          ? 'There are no event types.'
          : 'There are no event types; --archived lists archived ones, too.',
      );
    });
  eventType
    .command('get <type>')
    .description('Show an event type with its schema and examples.')
    .addHelpText('after', '\nExample:\n  postrider event-type get invoice.paid')
    .action(async (type: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: eventTypeName(type) };
      show(session, await session.withRpc((rpc) => rpc.call(rpc.eventTypes, rpc.eventTypes.getEventType, request)));
    });
  addEnding(eventType, context);
}

function addDescribing(eventType: Command, context: CliContext): void {
  const options = (command: Command): Command =>
    command
      .option('--description <text>', 'what it means')
      .option('--schema <file>', 'file with the JSON Schema (draft 2020-12) of the data')
      .option('--example <file>', 'file with data of such an event; may be given again', collect);
  options(eventType.command('create <type>').description('Describe an event type.'))
    .addHelpText('after', '\nExample:\n  postrider event-type create invoice.paid --description "An invoice was paid"')
    .action(async (type: string, given: Described, command: Command) => {
      const session = openSession(context, command);
      const request = { eventTypeId: type, eventType: fieldsOf(given, context), requestId: '' };
      show(session, await session.withRpc((rpc) => rpc.call(rpc.eventTypes, rpc.eventTypes.createEventType, request)));
    });
  options(eventType.command('update <type>').description('Change what is said of an event type.'))
    .addHelpText('after', '\nExample:\n  postrider event-type update invoice.paid --description "Paid in full"')
    .action(async (type: string, given: Described, command: Command) => {
      const session = openSession(context, command);
      const fields = fieldsOf(given, context);
      const paths = { description: given.description, schema: given.schema, examples: given.example };
      const updateMask = Object.entries(paths).flatMap(([path, value]) => (value === undefined ? [] : [path]));
      if (updateMask.length === 0)
        throw new CliError(exitCodes.usage, 'Say what to change: --help tells what there is.');
      const request = { eventType: { ...fields, name: eventTypeName(type) }, updateMask };
      show(session, await session.withRpc((rpc) => rpc.call(rpc.eventTypes, rpc.eventTypes.updateEventType, request)));
    });
}

function addEnding(eventType: Command, context: CliContext): void {
  for (const [verb, description] of [
    ['archive', 'Archive an event type: no new subscription may name it.'],
    ['unarchive', 'Take an event type out of the archive.'],
  ] as const) {
    eventType
      .command(`${verb} <type>`)
      .description(description)
      .addHelpText('after', `\nExample:\n  postrider event-type ${verb} invoice.paid`)
      .action(async (type: string, _options: object, command: Command) => {
        const session = openSession(context, command);
        const request = { name: eventTypeName(type), etag: '' };
        const changed = await session.withRpc(({ call, eventTypes }) =>
          call(eventTypes, verb === 'archive' ? eventTypes.archiveEventType : eventTypes.unarchiveEventType, request),
        );
        show(session, changed);
      });
  }
  addYes(
    eventType
      .command('delete <type>')
      .description('Delete what is said of an event type; events and subscriptions stay.'),
  )
    .addHelpText('after', '\nExample:\n  postrider event-type delete invoice.paid --yes')
    .action(async (type: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: eventTypeName(type), etag: '' };
      await session.confirm(`Delete ${request.name}`);
      await session.withRpc((rpc) => rpc.call(rpc.eventTypes, rpc.eventTypes.deleteEventType, request));
      session.print({ deleted: request.name }, () => `Deleted ${request.name}.\n`);
    });
}

function collect(file: string, before: string[] | undefined): string[] {
  return [...(before ?? []), file];
}

function fieldsOf({ description, schema, example }: Described, { cwd }: CliContext): EventType {
  return EventType.fromPartial({
    description: description ?? '',
    schema: schema === undefined ? '' : readNamedFile(cwd, '--schema', schema),
    examples: (example ?? []).map((file) => readNamedFile(cwd, '--example', file)),
  });
}

function show(session: Session, eventType: EventType): void {
  session.print(protoJson('EventType', EventType.encode(eventType)), () => {
    const { description, schema, examples, state } = eventType;
    const parts = [`${shortName(eventType.name)} (${plainEnum(state, 'EVENT_TYPE_STATE')})`, description];
    if (schema !== '') parts.push(`Schema:\n${schema}`);
    for (const example of examples) parts.push(`Example:\n${example}`);
    return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
  });
}
