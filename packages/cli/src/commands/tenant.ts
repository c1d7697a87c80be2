import { InvalidArgumentError, type Command } from 'commander';
import { plainEnum } from '@postrider/core';
import { protoJson } from '@postrider/contract/proto-json';
import { VerificationMode } from '@postrider/contract/postrider/v1/endpoint';
import { Tenant, TenantQuotas, TenantState } from '@postrider/contract/postrider/v1/tenant';
import { CliError, exitCodes, isNotFound } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { egressPoolName, shortName, tenantName } from '../names.ts';
import { untilDone } from './operation.ts';
import { fieldLines, pairsText } from '../field-lines.ts';
import { addLabelOption, addLabelRemoval, labelChange, type LabelOptions } from '../label-options.ts';
import { isChange, pairsAfter } from '../pairs.ts';
import { collect, parseCount, parseVerification } from '../parse.ts';
import { addListOptions, type ListOptions } from '../list-options.ts';
import { allPages } from '../paging.ts';
import type { Rpc } from '../rpc.ts';
import { addYes, openSession, type Session } from '../session.ts';

/** The quotas that may be set, by what people call them. */
const quotaNames = {
  endpoints: ['endpointsMax', 'endpoints_max'],
  subscriptions: ['subscriptionsMax', 'subscriptions_max'],
  'api-keys': ['apiKeysMax', 'api_keys_max'],
  'deliveries-per-second': ['deliveriesPerSecond', 'deliveries_per_second'],
  'published-events-per-second': ['publishedEventsPerSecond', 'published_events_per_second'],
} as const;
type QuotaName = keyof typeof quotaNames;
type Quotas = Readonly<Partial<Record<QuotaName, number>>>;

interface Options extends LabelOptions {
  readonly displayName?: string;
  readonly quota: Quotas;
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
    if (isNotFound(error)) return '';
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
  addLabelRemoval(
    addOptions(
      tenant
        .command('update <tenant>')
        .description(
          'Change what is given of a tenant; the rest stays, other labels and quotas too. Egress pools are given all together.',
        ),
    ),
  )
    .addHelpText('after', '\nExample:\n  postrider tenant update acme --verification challenge')
    .action(async (name: string, options: Options, command: Command) => {
      const session = openSession(context, command);
      const changed = await session.withRpc(async (rpc) => {
        const names = { name: tenantName(name) };
        const before = isChange(labelChange(options))
          ? await rpc.call(rpc.tenants, rpc.tenants.getTenant, names)
          : undefined;
        const { tenant: fields, paths } = tenantFields(options, before);
        if (paths.length === 0) throw new CliError(exitCodes.usage, 'Nothing to change: give at least one option.');
        const changes = { ...fields, ...names, etag: before?.etag ?? '' };
        return await rpc.call(rpc.tenants, rpc.tenants.updateTenant, { tenant: changes, updateMask: paths });
      });
      printTenant(session, changed);
    });
}

function addOptions(command: Command): Command {
  return addLabelOption(command.option('--display-name <text>', 'name for people'))
    .option(
      '--quota <name=n>',
      `a limit, 0 for the installation’s own; may be given several times. Names: ${Object.keys(quotaNames).join(', ')}`,
      collectQuotas,
      {},
    )
    .option('--egress-pool <name>', 'a pool that its endpoints may use; may be given several times', collect, [])
    .option(
      '--verification <none|cloudevents|challenge>',
      'ask all its endpoints first whether they want events',
      parseVerification,
    );
}

/** `endpoints=50`, after others. */
function collectQuotas(text: string, before: Quotas): Quotas {
  const [name = '', count = '', ...more] = text.split('=');
  if (Object.hasOwn(quotaNames, name) && more.length === 0) return { ...before, [name]: parseCount(0)(count) };
  const names = Object.keys(quotaNames).join(', ');
  throw new InvalidArgumentError(`"${text}" is not of the form name=n with one of the names: ${names}.`);
}

/**
 * The tenant's fields that the options set, and the paths of a field mask for just these.
 * @param before the tenant as it is
 */
function tenantFields(options: Options, before?: Tenant): { tenant: Tenant; paths: string[] } {
  const { displayName, egressPool, verification } = options;
  const tenant = Tenant.fromPartial({});
  const paths: string[] = [];
  const set = <Field extends keyof Tenant>(path: string, field: Field, value: Tenant[Field]): void => {
    tenant[field] = value;
    paths.push(path);
  };
  if (displayName !== undefined) set('display_name', 'displayName', displayName);
  const labels = labelChange(options);
  if (isChange(labels)) set('labels', 'labels', pairsAfter(before?.labels ?? {}, labels));
  const quotas = TenantQuotas.fromPartial({ egressPools: egressPool.map(egressPoolName) });
  for (const [name, count] of Object.entries(options.quota) as [QuotaName, number][]) {
    const [field, path] = quotaNames[name];
    quotas[field] = count;
    set(`quotas.${path}`, 'quotas', quotas);
  }
  if (egressPool.length > 0) set('quotas.egress_pools', 'quotas', quotas);
  if (verification !== undefined) set('verification', 'verification', verification);
  return { tenant, paths };
}

function printTenant(session: Session, tenant: Tenant): void {
  session.print(protoJson('Tenant', Tenant.encode(tenant)), () => describeTenant(tenant));
}

/** A tenant for a person: every field that is set, in the form in which the options give it. */
export function describeTenant(tenant: Tenant): string {
  const { quotas, verification } = tenant;
  const counts = (Object.keys(quotaNames) as QuotaName[]).flatMap((name): [string, string][] => {
    const count = quotas?.[quotaNames[name][0]] ?? 0;
    return count === 0 ? [] : [[name, String(count)]];
  });
  const isAsked = verification !== VerificationMode.UNSPECIFIED;
  return fieldLines([
    ['Tenant', shortName(tenant.name)],
    ['Display name', tenant.displayName],
    ['State', stateWord(tenant)],
    ['Labels', pairsText(tenant.labels)],
    ['Quotas', pairsText(Object.fromEntries(counts))],
    ['Egress pools', quotas?.egressPools.map(shortName).join(', ') ?? ''],
    ['Verification', isAsked ? plainEnum(verification, 'VERIFICATION_MODE') : ''],
    ['Created', tenant.createTime?.toISOString() ?? ''],
    ['Changed', tenant.updateTime?.toISOString() ?? ''],
    ['Deletion asked', tenant.deleteTime?.toISOString() ?? ''],
    [
      'To wait for it',
      tenant.deleteOperation === '' ? '' : `postrider operation wait ${shortName(tenant.deleteOperation)}`,
    ],
    ['Etag', tenant.etag],
    ['Revision', tenant.revision],
  ]);
}

function stateWord({ state }: Tenant): string {
  return state === TenantState.DELETING ? 'being deleted' : 'active';
}
