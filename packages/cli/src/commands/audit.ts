import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import { AuditEntry } from '@postrider/contract/postrider/v1/audit';
import type { AuditFilter } from '@postrider/contract/postrider/v1/audit_service';
import { plainEnum } from '@postrider/core';
import type { CliContext } from '../context.ts';
import { auditEntryName, shortName, tenantName } from '../names.ts';
import { parseCount, parseDurationMs, parseTime } from '../parse.ts';
import { openSession } from '../session.ts';
import { formatTable } from '../table.ts';
import { verifyCommand } from './audit-verify.ts';

interface FilterOptions {
  readonly tenant?: string;
  readonly principal?: string;
  readonly resource?: string;
  readonly method?: string;
  readonly since?: number;
  readonly from?: Date;
  readonly to?: Date;
}

/** `postrider audit …` */
export function auditCommand(program: Command, context: CliContext): void {
  const audit = program
    .command('audit')
    .description('Who changed what, when and from where; and that nobody altered it.');
  listCommand(audit, context);
  getCommand(audit, context);
  exportCommand(audit, context);
  verifyCommand(audit, context);
}

function withFilter(command: Command): Command {
  return command
    .option('--tenant <tenant>', 'only of this tenant')
    .option('--principal <principal>', 'only by this one, for example api-key/0k3v5w9z1x2y3')
    .option(
      '--resource <name>',
      'only of this resource and what is below it, for example tenants/acme/endpoints/orders',
    )
    .option('--method <method>', 'only by this method, for example CreateEndpoint')
    .option('--since <duration>', 'only of this long, for example 2h or 7d', parseDurationMs)
    .option('--from <time>', 'not before this time, for example 2026-11-22T08:00:00Z', parseTime)
    .option('--to <time>', 'before this time', parseTime);
}

function filterOf({ tenant, principal, resource, method, since, from, to }: FilterOptions): AuditFilter {
  const names = { principal: principal ?? '', resource: resource ?? '', method: method ?? '' };
  const startTime = from ?? (since === undefined ? undefined : new Date(Date.now() - since));
  return { ...names, tenant: tenant === undefined ? '' : tenantName(tenant), startTime, endTime: to };
}

function listCommand(parent: Command, context: CliContext): void {
  withFilter(parent.command('list'))
    .description('List what was done, the newest first.')
    .option('--oldest-first', 'the oldest first', false)
    .option('--limit <n>', 'entries at most', parseCount(1), 50)
    .addHelpText('after', '\nExample:\n  postrider audit list --tenant acme --since 7d')
    .action(async (options: FilterOptions & { oldestFirst: boolean; limit: number }, command: Command) => {
      const session = openSession(context, command);
      const request = { filter: filterOf(options), orderBy: options.oldestFirst ? 'time' : 'time desc' };
      const entries = await session.withRpc(async (rpc) => {
        const found: AuditEntry[] = [];
        let pageToken = '';
        do {
          const pageSize = Math.min(500, options.limit - found.length);
          const page = await rpc.call(rpc.audit, rpc.audit.listAuditEntries, { ...request, pageSize, pageToken });
          found.push(...page.auditEntries);
          pageToken = page.nextPageToken;
        } while (pageToken !== '' && found.length < options.limit);
        return found;
      });
      session.printList(
        entries.map((one) => protoJson('AuditEntry', AuditEntry.encode(one))),
        ['ENTRY', 'TIME', 'WHO', 'DID', 'TO', 'BY', 'FROM'],
        entries.map((entry) => [
          shortName(entry.name),
          entry.time?.toISOString() ?? '',
          entry.principal,
          didWords(entry),
          entry.resource,
          entry.method,
          entry.peer,
        ]),
        'There are no such entries.',
      );
    });
}

function getCommand(parent: Command, context: CliContext): void {
  parent
    .command('get <entry>')
    .description('Show an entry with all that changed.')
    .addHelpText('after', '\nExample:\n  postrider audit get 4711')
    .action(async (name: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const request = { name: auditEntryName(name) };
      const entry = await session.withRpc((rpc) => rpc.call(rpc.audit, rpc.audit.getAuditEntry, request));
      session.print(protoJson('AuditEntry', AuditEntry.encode(entry)), () => entryText(entry, context.columns));
    });
}

function exportCommand(parent: Command, context: CliContext): void {
  withFilter(parent.command('export'))
    .description(
      'Print entries, the oldest first, one object of JSON a line, with the bytes that "audit verify --file" needs.',
    )
    .option('--after <n>', 'only behind the entry with this number', parseCount(0), 0)
    .addHelpText('after', '\nExample:\n  postrider audit export --after 4711')
    .action(async (options: FilterOptions & { after: number }, command: Command) => {
      const session = openSession(context, command);
      const request = { filter: filterOf(options), afterSequence: BigInt(options.after) };
      await session.withRpc((rpc) =>
        rpc.stream(rpc.audit, rpc.audit.exportAuditEntries, request, ({ auditEntry, record }) => {
          // The form of an export never changes: `audit verify` compares files of any age with what their records say.
          const entry = auditEntry === undefined ? {} : AuditEntry.toJSON(auditEntry);
          context.out(`${JSON.stringify({ entry, record: record.toString('base64') })}\n`);
        }),
      );
    });
}

function didWords({ action, kind, outcome }: AuditEntry): string {
  const failed = outcome === 'AUDIT_OUTCOME_FAILED' ? ' (failed)' : '';
  return `${plainEnum(action, 'AUDIT_ACTION')} ${kind}${failed}`;
}

function entryText(entry: AuditEntry, columns: number | undefined): string {
  const facts: readonly (readonly [string, string])[] = [
    ['time', entry.time?.toISOString() ?? ''],
    ['who', entry.credential === '' ? entry.principal : `${entry.principal} (${entry.credential})`],
    ['did', didWords(entry)],
    ['to', entry.resource],
    ['tenant', entry.tenant],
    ['by', entry.method],
    ['from', entry.forwardedFor === '' ? entry.peer : `${entry.forwardedFor}, passed on by ${entry.peer}`],
    ['because', entry.detail],
    ['request id', entry.requestId],
    ['call', entry.callId],
    ['revision', entry.revision],
    ['hash', entry.hash.toString('hex')],
  ];
  const told = facts.filter(([, value]) => value !== '');
  const rows = entry.changes.map(({ field, before, after, cut }) => [field, before, cut ? `${after} (cut)` : after]);
  const changes = rows.length === 0 ? '' : `\n${formatTable(['FIELD', 'BEFORE', 'AFTER'], rows, columns)}`;
  return `${entry.name}\n${told.map(([name, value]) => `  ${name}: ${value}\n`).join('')}${changes}`;
}
