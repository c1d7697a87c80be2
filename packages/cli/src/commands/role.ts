import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import type { Role } from '@postrider/contract/postrider/v1/access';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import { roleName } from '@postrider/core';
import type { CliContext } from '../context.ts';
import { roleBindingName, shortName, tenantName } from '../names.ts';
import { allPages } from '../paging.ts';
import { parseRole } from '../parse.ts';
import { addYes, openSession } from '../session.ts';

interface GiveOptions {
  readonly role: Role;
  readonly tenant?: string;
  readonly id?: string;
}

/** `postrider role …` */
export function roleCommand(program: Command, context: CliContext): void {
  const role = program.command('role').description('Give principals roles, and take them away.');
  role
    .command('give <principal>')
    .description(
      'Give a principal a role: api-key/<id>, user/<subject>, group/<name>, or certificate/uri:, dns: or cn:<name>.',
    )
    .requiredOption(
      '--role <role>',
      'admin, operator, tenant-admin, tenant-viewer, publisher or secret-reader',
      parseRole,
    )
    .option('--tenant <tenant>', 'in this tenant only; without it, in all')
    .option('--id <id>', 'id of the binding')
    .addHelpText('after', '\nExample:\n  postrider role give api-key/0k3v5w9z1x2y3 --role tenant-viewer --tenant acme')
    .action(async (principal: string, options: GiveOptions, command: Command) => {
      const session = openSession(context, command);
      const tenant = options.tenant === undefined ? '' : tenantName(options.tenant);
      const roleBinding = RoleBinding.fromPartial({ principal, role: options.role, tenant });
      const request = { roleBindingId: options.id ?? '', roleBinding, requestId: '' };
      const made = await session.withRpc((rpc) => rpc.call(rpc.access, rpc.access.createRoleBinding, request));
      session.print(
        protoJson('RoleBinding', RoleBinding.encode(made)),
        () => `${made.principal} is ${words(made)} now (${made.name}).\n`,
      );
    });
  role
    .command('get <binding>')
    .description('Show a role binding.')
    .addHelpText('after', '\nExample:\n  postrider role get rb_0123456789abcdef0123456789abcdef --json')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: roleBindingName(name) };
      const found = await session.withRpc((rpc) => rpc.call(rpc.access, rpc.access.getRoleBinding, request));
      session.print(
        protoJson('RoleBinding', RoleBinding.encode(found)),
        () => `${found.principal} is ${words(found)}.\n`,
      );
    });
  addYes(role.command('take <binding>').description('Delete a role binding.'))
    .option('--force', 'also if nobody would be admin in all tenants any more', false)
    .addHelpText('after', '\nExample:\n  postrider role take rb_0123456789abcdef0123456789abcdef --yes')
    .action(async (name: string, { force }: { force: boolean }, command: Command) => {
      const session = openSession(context, command);
      const request = { name: roleBindingName(name), etag: '', force };
      await session.confirm(`Delete ${request.name}`);
      await session.withRpc((rpc) => rpc.call(rpc.access, rpc.access.deleteRoleBinding, request));
      session.print({ deleted: request.name }, () => `Deleted ${request.name}.\n`);
    });
  listCommand(role, context);
}

function listCommand(parent: Command, context: CliContext): void {
  parent
    .command('list')
    .description('List role bindings.')
    .addHelpText('after', '\nExample:\n  postrider role list')
    .action(async (_options: object, command: Command) => {
      const session = openSession(context, command);
      const bindings = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const page = await rpc.call(rpc.access, rpc.access.listRoleBindings, { pageSize: 500, pageToken });
          return { entries: page.roleBindings, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        bindings.map((one) => protoJson('RoleBinding', RoleBinding.encode(one))),
        ['BINDING', 'PRINCIPAL', 'ROLE', 'TENANT'],
        bindings.map(({ name, principal, role, tenant }) => [
          shortName(name),
          principal,
          roleName(role) ?? '?',
          tenant === '' ? 'all' : shortName(tenant),
        ]),
        'There are no role bindings.',
      );
    });
}

function words({ role, tenant }: RoleBinding): string {
  return `${roleName(role) ?? 'of an unknown role'} ${tenant === '' ? 'in all tenants' : `in ${tenant}`}`;
}
