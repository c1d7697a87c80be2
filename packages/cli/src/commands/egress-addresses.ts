import type { Command } from 'commander';
import { protoJson } from '@postrider/contract/proto-json';
import { EgressAddress } from '@postrider/contract/postrider/v1/egress';
import { EgressPool } from '@postrider/contract/postrider/v1/egress_service';
import { plainEnum } from '@postrider/core';
import { parseSourceRange } from '@postrider/egress';
import { CliError, exitCodes } from '../cli-error.ts';
import { egressPoolName, shortName } from '../names.ts';
import { allPages } from '../paging.ts';
import { parseDurationMs } from '../parse.ts';
import { openSession } from '../session.ts';
import type { CliContext } from '../context.ts';

interface ChangeOptions {
  readonly in?: number;
  readonly force: boolean;
}

/** `postrider egress pools|get|list|announce|retire` */
export function addressCommands(egress: Command, context: CliContext): void {
  addPools(egress, context);
  addList(egress, context);
  egress
    .command('announce <pool> <address>')
    .description('Tell receivers of an address or range, and use it from then on; or keep one that is being retired.')
    .option('--in <duration>', 'use it after this time; 30d if nothing is said; 0s: from now on', parseDurationMs)
    .option('--force', 'also sooner than in 30 days', false)
    .addHelpText('after', '\nExample:\n  postrider egress announce partners 192.0.2.8 --in 45d')
    .action(async (pool: string, address: string, options: ChangeOptions, command: Command) => {
      const { cidr } = rangeOf(address);
      const request = { parent: egressPoolName(pool), cidr, effectiveTime: timeIn(options), force: options.force };
      const session = openSession(context, command);
      const made = await session.withRpc((rpc) => rpc.call(rpc.egress, rpc.egress.announceEgressAddress, request));
      session.print(
        protoJson('EgressAddress', EgressAddress.encode(made)),
        () => `${made.cidr} is ${stateWords(made)} from ${timeText(made.effectiveTime)}.\n`,
      );
    });
  egress
    .command('retire <pool> <address>')
    .description('Tell receivers that an address or range goes, and use it no more from then on.')
    .option('--in <duration>', 'use it until this time has passed; 31d if nothing is said', parseDurationMs)
    .option('--force', 'also sooner than in 30 days, or if the pool has no other', false)
    .addHelpText('after', '\nExample:\n  postrider egress retire partners 192.0.2.7 --in 60d')
    .action(async (pool: string, address: string, options: ChangeOptions, command: Command) => {
      const name = `${egressPoolName(pool)}/addresses/${rangeOf(address).id}`;
      const request = { name, retireTime: timeIn(options), force: options.force };
      const session = openSession(context, command);
      const made = await session.withRpc((rpc) => rpc.call(rpc.egress, rpc.egress.retireEgressAddress, request));
      session.print(
        protoJson('EgressAddress', EgressAddress.encode(made)),
        () => `${made.cidr} is ${stateWords(made)}, and not used after ${timeText(made.retireTime)}.\n`,
      );
    });
}

function addPools(egress: Command, context: CliContext): void {
  const heading = ['POOL', 'USABLE', 'ANNOUNCED', 'NEXT CHANGE'];
  const row = (pool: EgressPool): string[] => [
    shortName(pool.name),
    String(pool.usableAddresses),
    String(pool.announcedAddresses),
    timeText(pool.nextChangeTime),
  ];
  egress
    .command('pools')
    .description('List the egress pools, and how many addresses each has.')
    .addHelpText('after', '\nExample:\n  postrider egress pools')
    .action(async (_options: object, command: Command) => {
      const session = openSession(context, command);
      const pools = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const page = await rpc.call(rpc.egress, rpc.egress.listEgressPools, { pageSize: 500, pageToken });
          return { entries: page.egressPools, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        pools.map((one) => protoJson('EgressPool', EgressPool.encode(one))),
        heading,
        pools.map(row),
        'There are no egress pools.',
      );
    });
  egress
    .command('get <pool>')
    .description('Show how many addresses an egress pool has, and when that changes.')
    .addHelpText('after', '\nExample:\n  postrider egress get partners')
    .action(async (pool: string, _options: object, command: Command) => {
      const session = openSession(context, command);
      const name = egressPoolName(pool);
      const found = await session.withRpc((rpc) => rpc.call(rpc.egress, rpc.egress.getEgressPool, { name }));
      session.printList(protoJson('EgressPool', EgressPool.encode(found)), heading, [row(found)], '');
    });
}

function addList(egress: Command, context: CliContext): void {
  egress
    .command('list [pool]')
    .description('List the addresses that requests come from, of one egress pool or of all.')
    .addHelpText('after', '\nExample:\n  postrider egress list partners')
    .action(async (pool: string | undefined, _options: object, command: Command) => {
      const session = openSession(context, command);
      const parent = egressPoolName(pool ?? '-');
      const addresses = await session.withRpc((rpc) =>
        allPages(async (pageToken) => {
          const request = { parent, pageSize: 500, pageToken };
          const page = await rpc.call(rpc.egress, rpc.egress.listEgressAddresses, request);
          return { entries: page.egressAddresses, nextPageToken: page.nextPageToken };
        }),
      );
      session.printList(
        addresses.map((one) => protoJson('EgressAddress', EgressAddress.encode(one))),
        ['POOL', 'ADDRESS', 'STATE', 'FROM', 'UNTIL'],
        addresses.map((one) => [
          shortName(one.name).split('/')[0] ?? '',
          one.cidr,
          stateWords(one),
          timeText(one.effectiveTime),
          timeText(one.retireTime),
        ]),
        'No address is announced.',
      );
    });
}

function rangeOf(address: string) {
  const range = parseSourceRange(address);
  if (range !== undefined) return range;
  throw new CliError(exitCodes.usage, `"${address}" is no IP address, and no range like 192.0.2.0/28.`);
}

/** What is past means now, whatever the clock of this machine says of it. */
function timeIn({ in: inMs }: ChangeOptions): Date | undefined {
  return inMs === undefined ? undefined : new Date(inMs === 0 ? 0 : Date.now() + inMs);
}

function stateWords({ state }: EgressAddress): string {
  return plainEnum(state, 'EGRESS_ADDRESS_STATE');
}

function timeText(time: Date | undefined): string {
  return time?.toISOString() ?? '';
}
