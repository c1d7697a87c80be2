import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import type { Role } from '@postrider/contract/postrider/v1/access';
import { ApiKey } from '@postrider/contract/postrider/v1/access_service';
import { roleName } from '@postrider/core';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { apiKeyName, shortName, tenantName } from '../names.ts';
import { allPages } from '../paging.ts';
import { parseDurationMs, parseRole } from '../parse.ts';
import { addYes, openSession, type Session } from '../session.ts';

interface CreateOptions {
  readonly role: Role;
  readonly tenant?: string;
  readonly id?: string;
  readonly displayName?: string;
  readonly expiresIn?: number;
}

/** `postrider api-key …` */
export function apiKeyCommand(program: Command, context: CliContext): void {
  const key = program.command('api-key').description('Manage keys that may call the API.');
  createCommand(key, context);
  key
    .command('get <key>')
    .description('Show a key, without its secret.')
    .addHelpText('after', '\nExample:\n  postrider api-key get 0k3v5w9z1x2y3 --json')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: apiKeyName(name) };
      printKey(session, await session.withRpc((rpc) => rpc.call(rpc.access, rpc.access.getApiKey, request)));
    });
  listCommand(key, context);
  endCommands(key, context);
  updateCommand(key, context);
}

const forceOption = ['--force', 'also if nobody would be admin in all tenants any more', false] as const;

function endCommands(key: Command, context: CliContext): void {
  addYes(
    key.command('revoke <key>').description('Let a key open nothing any more, for ever. It stays to be looked at.'),
  )
    .option(...forceOption)
    .addHelpText('after', '\nExample:\n  postrider api-key revoke 0k3v5w9z1x2y3 --yes')
    .action(async (name: string, { force }: { force: boolean }, command: Command) => {
      const session = openSession(context, command);
      const request = { name: apiKeyName(name), etag: '', force };
      await session.confirm(`Revoke ${request.name}`);
      printKey(session, await session.withRpc((rpc) => rpc.call(rpc.access, rpc.access.revokeApiKey, request)));
    });
  addYes(key.command('delete <key>').description('Delete a key. Its id is never used again.'))
    .option(...forceOption)
    .addHelpText('after', '\nExample:\n  postrider api-key delete 0k3v5w9z1x2y3 --yes')
    .action(async (name: string, { force }: { force: boolean }, command: Command) => {
      const session = openSession(context, command);
      const request = { name: apiKeyName(name), etag: '', force };
      await session.confirm(`Delete ${request.name}`);
      await session.withRpc((rpc) => rpc.call(rpc.access, rpc.access.deleteApiKey, request));
      session.print({ deleted: request.name }, () => `Deleted ${request.name}.\n`);
    });
}

function createCommand(parent: Command, context: CliContext): void {
  parent
    .command('create')
    .description('Make a key. It is printed this one time.')
    .requiredOption(
      '--role <role>',
      'admin, operator, tenant-admin, tenant-viewer, publisher or secret-reader',
      parseRole,
    )
    .option('--tenant <tenant>', 'in this tenant only; without it, in all')
    .option('--id <id>', 'the visible part: 4–32 characters of a–z and 0–9')
    .option('--display-name <text>', 'name for people')
    .option('--expires-in <duration>', 'it opens nothing after this time, for example 90d', parseDurationMs)
    .addHelpText('after', '\nExample:\n  postrider api-key create --role tenant-admin --tenant acme --expires-in 90d')
    .action(async (options: CreateOptions, command: Command) => {
      const session = openSession(context, command);
      const apiKey: ApiKey = {
        ...ApiKey.fromPartial({ role: options.role, displayName: options.displayName ?? '' }),
        tenant: options.tenant === undefined ? '' : tenantName(options.tenant),
        expireTime: fromNow(options.expiresIn),
      };
      const request = { apiKeyId: options.id ?? '', apiKey, requestId: '' };
      const made = await session.withRpc((rpc) => rpc.call(rpc.access, rpc.access.createApiKey, request));
      session.print(
        protoJson('ApiKey', ApiKey.encode(made)),
        () => `${made.keyString}\n${keyWords(made)}It is not shown again.\n`,
      );
    });
}

function updateCommand(parent: Command, context: CliContext): void {
  parent
    .command('update <key>')
    .description('Change what is given of a key; the rest stays.')
    .option('--display-name <text>', 'name for people')
    .option('--expires-in <duration>', 'it opens nothing after this time, from now on', parseDurationMs)
    .addHelpText('after', '\nExample:\n  postrider api-key update 0k3v5w9z1x2y3 --expires-in 7d')
    .action(async (name: string, options: Pick<CreateOptions, 'displayName' | 'expiresIn'>, command: Command) => {
      const { displayName, expiresIn } = options;
      const updateMask = [
        ...(displayName === undefined ? [] : ['display_name']),
        ...(expiresIn === undefined ? [] : ['expire_time']),
      ];
      if (updateMask.length === 0) throw new CliError(exitCodes.usage, 'Nothing to change: give at least one option.');
      const session = openSession(context, command);
      const fields = ApiKey.fromPartial({ name: apiKeyName(name), displayName: displayName ?? '' });
      const request = { apiKey: { ...fields, expireTime: fromNow(expiresIn) }, updateMask };
      printKey(session, await session.withRpc((rpc) => rpc.call(rpc.access, rpc.access.updateApiKey, request)));
    });
}

function listCommand(parent: Command, context: CliContext): void {
  parent
    .command('list')
    .description('List keys, revoked and expired ones too.')
    .addHelpText('after', '\nExample:\n  postrider api-key list')
    .action(async (_options: object, command: Command) => {
      const session = openSession(context, command);
      const keys = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const page = await rpc.call(rpc.access, rpc.access.listApiKeys, { pageSize: 500, pageToken });
          return { entries: page.apiKeys, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        keys.map((one) => protoJson('ApiKey', ApiKey.encode(one))),
        ['KEY', 'ROLE', 'TENANT', 'STATE', 'LAST USED', 'NAME'],
        keys.map((key) => [
          shortName(key.name),
          roleName(key.role) ?? '?',
          key.tenant === '' ? 'all' : shortName(key.tenant),
          stateWords(key),
          key.lastUseTime?.toISOString() ?? '',
          key.displayName,
        ]),
        'There are no keys.',
      );
    });
}

function fromNow(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(Date.now() + ms);
}

function printKey(session: Session, key: ApiKey): void {
  session.print(protoJson('ApiKey', ApiKey.encode(key)), () => keyWords(key));
}

function keyWords(key: ApiKey): string {
  const where = key.tenant === '' ? 'in all tenants' : `in ${key.tenant}`;
  return `${key.name} is ${roleName(key.role) ?? 'of an unknown role'} ${where}: ${stateWords(key)}.\n`;
}

function stateWords({ revokeTime, expireTime }: ApiKey): string {
  if (revokeTime !== undefined) return `revoked at ${revokeTime.toISOString()}`;
  if (expireTime === undefined) return 'valid';
  return `${expireTime.getTime() <= Date.now() ? 'expired at' : 'valid until'} ${expireTime.toISOString()}`;
}
