import { addressState, egressAddressId, nextAddressChange } from '@postrider/core';
import { EgressAddressState, type EgressAddress } from '@postrider/contract/postrider/v1/egress';
import { parseSourceRange, poolOf, poolResourceName } from '@postrider/egress';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { EgressPool } from '@postrider/contract/postrider/v1/egress_service';
import type { EgressAddressConfig } from '@postrider/contract/postrider/v1/config';
import type { PoolDefinitions, SourceRange } from '@postrider/egress';
import type { Change } from '../config-writer.ts';

/** The source addresses that the configuration of the processes declares, by pool. */
export type DeclaredSources = ReadonlyMap<string, readonly string[]>;

export function declaredSources(pools: PoolDefinitions | undefined): DeclaredSources {
  return new Map(Array.from(pools ?? [], ([name, { sourceAddresses }]) => [name, sourceAddresses]));
}

/** The ids in an address's name, `egressPools/{pool}/addresses/{address}`; null: it is no such name. */
export function parseAddressName(name: string): { readonly pool: string; readonly id: string } | null {
  const id = egressAddressId(name);
  return id === null ? null : { pool: id.split('/', 1)[0] ?? '', id };
}

/** The name of a range's resource in this pool. */
export function addressName(pool: string, { id }: Pick<SourceRange, 'id'>): string {
  return `${poolResourceName(pool)}/addresses/${id}`;
}

/** What was announced for a pool, retired addresses too. */
export function addressesOf(snapshot: ConfigSnapshot, pool: string): readonly EgressAddress[] {
  return [...announced(snapshot)].filter(({ name }) => parseAddressName(name)?.pool === pool);
}

/** All that was announced, with the state of each at this time. */
export function* announced(snapshot: ConfigSnapshot): Iterable<EgressAddress> {
  for (const { address } of snapshot.egressAddresses()) if (address !== undefined) yield address;
}

/** An address as it is told. */
export function shownAddress(address: EgressAddress, nowMs: number): EgressAddress {
  return { ...address, state: addressState(address, nowMs) };
}

/** Names of all pools: those that there are, and those of which addresses were announced. */
export function poolNames(snapshot: ConfigSnapshot, pools: Iterable<string>): ReadonlySet<string> {
  const announcedFor = Array.from(announced(snapshot), ({ name }) => parseAddressName(name)?.pool ?? '');
  return new Set([...pools, ...announcedFor].map(poolResourceName));
}

/** Whether all that was ever announced for a pool is retired. */
export function isGivenUp({ snapshot, now }: Pick<Change, 'snapshot' | 'now'>): (pool: string) => boolean {
  return (pool) => {
    const addresses = addressesOf(snapshot, pool);
    const isRetired = (one: EgressAddress): boolean => addressState(one, now.getTime()) === EgressAddressState.RETIRED;
    return addresses.length > 0 && addresses.every(isRetired);
  };
}

/** A pool as it is told. */
export function shownPool(name: string, snapshot: ConfigSnapshot, nowMs: number): EgressPool {
  const addresses = addressesOf(snapshot, poolOf(name));
  const states = addresses.map((one) => addressState(one, nowMs));
  const count = (...wanted: readonly EgressAddressState[]): number =>
    states.filter((state) => wanted.includes(state)).length;
  const changes = addresses.flatMap((one) => nextAddressChange(one, nowMs) ?? []);
  return {
    name,
    usableAddresses: count(EgressAddressState.ACTIVE, EgressAddressState.RETIRING),
    announcedAddresses: count(EgressAddressState.ANNOUNCED),
    nextChangeTime: changes.length === 0 ? undefined : new Date(Math.min(...changes)),
  };
}

/** The record of an address that was just announced, or whose retirement was just changed. */
export function addressRecord(
  address: Omit<EgressAddress, 'state'>,
  toldRevision: string,
): { readonly $case: 'egressAddress'; readonly value: EgressAddressConfig } {
  return {
    $case: 'egressAddress',
    value: { address: { ...address, state: EgressAddressState.UNSPECIFIED }, toldRevision },
  };
}

/** The range of an announced address; undefined when a newer version wrote what this one cannot read. */
export function rangeOf({ cidr }: EgressAddress): SourceRange | undefined {
  return parseSourceRange(cidr);
}
