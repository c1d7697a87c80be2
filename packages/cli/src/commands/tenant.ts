import type { Command } from 'commander';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import type { CliContext } from '../context.ts';
import { egressPoolName, shortName, tenantName } from '../names.ts';
import { collect, collectPairs } from '../parse.ts';
import { allPages } from '../paging.ts';
import { openSession, type Session } from '../session.ts';

interface CreateOptions {
  readonly displayName?: string;
  readonly label: Record<string, string>;
  readonly egressPool: readonly string[];
}

/** `postrider tenant …` */
export function tenantCommand(program: Command, context: CliContext): void {
  const tenant = program.command('tenant').description('Manage tenants: the customers’ isolation units.');
  tenant
    .command('create <id>')
    .description('Create a tenant.')
    .option('--display-name <text>', 'name for people')
    .option('--label <name=value>', 'label; may be given several times', collectPairs, {})
    .option('--egress-pool <name>', 'a pool that its endpoints may use; may be given several times', collect, [])
    .addHelpText('after', '\nExample:\n  postrider tenant create acme --display-name "Acme Ltd"')
    .action(async (id: string, options: CreateOptions, command: Command) => {
      const session = openSession(context, command);
      const created = await session.withRpc((rpc) =>
        rpc.call(rpc.tenants, rpc.tenants.createTenant, {
          tenantId: id,
          tenant: Tenant.fromPartial({
            ...{ displayName: options.displayName ?? '', labels: options.label },
            quotas: { egressPools: options.egressPool.map(egressPoolName) },
          }),
          requestId: '',
        }),
      );
      printTenant(session, created);
    });
  tenant
    .command('get <tenant>')
    .description('Show a tenant.')
    .addHelpText('after', '\nExample:\n  postrider tenant get acme --json')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const found = await session.withRpc((rpc) =>
        rpc.call(rpc.tenants, rpc.tenants.getTenant, { name: tenantName(name) }),
      );
      printTenant(session, found);
    });
  tenant
    .command('list')
    .description('List all tenants.')
    .addHelpText('after', '\nExample:\n  postrider tenant list')
    .action(async (_options: object, command: Command) => {
      const session = openSession(context, command);
      const tenants = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const request = { pageSize: 500, pageToken };
          const page = await rpc.call(rpc.tenants, rpc.tenants.listTenants, request);
          return { entries: page.tenants, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        tenants.map(Tenant.toJSON),
        ['TENANT', 'DISPLAY NAME', 'CREATED'],
        tenants.map((entry) => [shortName(entry.name), entry.displayName, entry.createTime?.toISOString() ?? '']),
        'There are no tenants.',
      );
    });
  tenant
    .command('delete <tenant>')
    .description('Delete a tenant.')
    .option('--force', 'delete its endpoints and subscriptions too', false)
    .addHelpText('after', '\nExample:\n  postrider tenant delete acme --force')
    .action(async (name: string, options: { force: boolean }, command: Command) => {
      const session = openSession(context, command);
      await session.withRpc((rpc) =>
        rpc.call(rpc.tenants, rpc.tenants.deleteTenant, { name: tenantName(name), force: options.force, etag: '' }),
      );
      session.print({ deleted: tenantName(name) }, () => `Deleted ${tenantName(name)}.\n`);
    });
}

function printTenant(session: Session, tenant: Tenant): void {
  session.print(
    Tenant.toJSON(tenant),
    () => `Tenant ${shortName(tenant.name)}  ${tenant.displayName}\n`.trimEnd() + '\n',
  );
}
