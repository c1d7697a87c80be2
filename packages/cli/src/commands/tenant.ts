import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import type { VerificationMode } from '@postrider/contract/postrider/v1/endpoint';
import { Tenant, TenantQuotas, TenantState } from '@postrider/contract/postrider/v1/tenant';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { egressPoolName, shortName, tenantName } from '../names.ts';
import { untilDone } from './operation.ts';
import { collect, collectPairs, parseVerification } from '../parse.ts';
import { addListOptions, type ListOptions } from '../list-options.ts';
import { allPages } from '../paging.ts';
import type { Rpc } from '../rpc.ts';
import { addYes, openSession, type Session } from '../session.ts';

interface Options {
  readonly displayName?: string;
  readonly label: Record<string, string>;
  readonly egressPool: readonly string[];
  readonly verification?: VerificationMode;
}

/** `postrider tenant …` */
export function tenantCommand(program: Command, context: CliContext): void {
  const tenant = program.command('tenant').description('Manage tenants: the customers’ isolation units.');
  createCommand(tenant, context);
  updateCommand(tenant, context);
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
  addListOptions(tenant.command('list').description('List all tenants.'), 'labels.plan = "free"')
    .addHelpText('after', '\nExample:\n  postrider tenant list')
    .action(async ({ filter, orderBy }: ListOptions, command: Command) => {
      const session = openSession(context, command);
      const tenants = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const request = { pageSize: 500, pageToken, filter, orderBy };
          const page = await rpc.call(rpc.tenants, rpc.tenants.listTenants, request);
          return { entries: page.tenants, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        tenants.map((one) => protoJson('Tenant', Tenant.encode(one))),
        ['TENANT', 'DISPLAY NAME', 'STATE', 'CREATED'],
        tenants.map((entry) => [
          shortName(entry.name),
          entry.displayName,
          stateWord(entry),
          entry.createTime?.toISOString() ?? '',
        ]),
        'There are no tenants.',
      );
    });
  deleteCommand(tenant, context);
}

function deleteCommand(tenant: Command, context: CliContext): void {
  addYes(tenant.command('delete <tenant>').description('Delete a tenant, with its keys and role bindings.'))
    .option('--force', 'delete its endpoints and subscriptions too', false)
    .option('--wait', 'until all of it is gone: of a large tenant the last goes some seconds after the call', false)
    .addHelpText('after', '\nExample:\n  postrider tenant delete acme --force --yes')
    .action(async (name: string, options: DeleteOptions, command: Command) => {
      const session = openSession(context, command);
      await session.confirm(`Delete ${tenantName(name)}${options.force ? ' with all its endpoints' : ''}`);
      await session.withRpc(async (rpc) => {
        const request = { name: tenantName(name), force: options.force, etag: '' };
        await rpc.call(rpc.tenants, rpc.tenants.deleteTenant, request);
        const operation = options.wait ? await deletionOf(rpc, request.name) : '';
        if (operation !== '') await untilDone(rpc, operation, context);
      });
      session.print({ deleted: tenantName(name) }, () => `Deleted ${tenantName(name)}.\n`);
    });
}

interface DeleteOptions {
  readonly force: boolean;
  readonly wait: boolean;
}

/** The operation that goes on with deleting it; empty: it is gone. */
async function deletionOf(rpc: Rpc, name: string): Promise<string> {
  try {
    return (await rpc.call(rpc.tenants, rpc.tenants.getTenant, { name })).deleteOperation;
  } catch (error) {
    if (error instanceof CliError && error.exitCode === exitCodes.notFound) return '';
    throw error;
  }
}

function createCommand(tenant: Command, context: CliContext): void {
  addOptions(tenant.command('create <id>').description('Create a tenant.'))
    .addHelpText('after', '\nExample:\n  postrider tenant create acme --display-name "Acme Ltd"')
    .action(async (id: string, options: Options, command: Command) => {
      const session = openSession(context, command);
      const { tenant: fields } = tenantFields(options);
      const created = await session.withRpc((rpc) =>
        rpc.call(rpc.tenants, rpc.tenants.createTenant, { tenantId: id, tenant: fields, requestId: '' }),
      );
      printTenant(session, created);
    });
}

function updateCommand(tenant: Command, context: CliContext): void {
  addOptions(tenant.command('update <tenant>').description('Change what is given of a tenant; the rest stays.'))
    .addHelpText('after', '\nExample:\n  postrider tenant update acme --verification challenge')
    .action(async (name: string, options: Options, command: Command) => {
      const session = openSession(context, command);
      const { tenant: fields, paths } = tenantFields(options);
      if (paths.length === 0) throw new CliError(exitCodes.usage, 'Nothing to change: give at least one option.');
      const changed = await session.withRpc((rpc) =>
        rpc.call(rpc.tenants, rpc.tenants.updateTenant, {
          tenant: { ...fields, name: tenantName(name) },
          updateMask: paths,
        }),
      );
      printTenant(session, changed);
    });
}

function addOptions(command: Command): Command {
  return command
    .option('--display-name <text>', 'name for people')
    .option('--label <name=value>', 'label; may be given several times', collectPairs, {})
    .option('--egress-pool <name>', 'a pool that its endpoints may use; may be given several times', collect, [])
    .option(
      '--verification <none|cloudevents|challenge>',
      'ask all its endpoints first whether they want events',
      parseVerification,
    );
}

/** The tenant's fields that the options set, and the paths of a field mask for just these. */
function tenantFields({ displayName, label, egressPool, verification }: Options): { tenant: Tenant; paths: string[] } {
  const tenant = Tenant.fromPartial({});
  const paths: string[] = [];
  const set = <Field extends keyof Tenant>(path: string, field: Field, value: Tenant[Field]): void => {
    tenant[field] = value;
    paths.push(path);
  };
  if (displayName !== undefined) set('display_name', 'displayName', displayName);
  if (Object.keys(label).length > 0) set('labels', 'labels', label);
  if (egressPool.length > 0) {
    set('quotas.egress_pools', 'quotas', TenantQuotas.fromPartial({ egressPools: egressPool.map(egressPoolName) }));
  }
  if (verification !== undefined) set('verification', 'verification', verification);
  return { tenant, paths };
}

function printTenant(session: Session, tenant: Tenant): void {
  session.print(
    protoJson('Tenant', Tenant.encode(tenant)),
    () => `Tenant ${shortName(tenant.name)}  ${tenant.displayName}`.trimEnd() + `${deletionWords(tenant)}\n`,
  );
}

function stateWord({ state }: Tenant): string {
  return state === TenantState.DELETING ? 'being deleted' : 'active';
}

function deletionWords(tenant: Tenant): string {
  return tenant.deleteOperation === ''
    ? ''
    : `\nIt is being deleted: postrider operation wait ${shortName(tenant.deleteOperation)}`;
}
