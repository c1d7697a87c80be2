import { configKey } from '@postrider/config-view';
import { EgressAddress, EgressAddressState } from '@postrider/contract/postrider/v1/egress';
import { EgressPool } from '@postrider/contract/postrider/v1/egress_service';
import { addressState, invalidArgument, limits, mayLeaveFrom, PostriderError } from '@postrider/core';
import { overlaps, parseSourceRange } from '@postrider/egress';
import { sizeOf } from '../messages.ts';
import { ANY, parseEgressAddressName, parseFlatName } from '../names.ts';
import { alreadyExists, found, rejectUnreadable, rejectViolations } from '../reject.ts';
import { createViolations } from '../validate-common.ts';
import {
  addressesOf,
  addressName,
  addressRecord,
  announced,
  poolNames,
  rangeOf,
  shownAddress,
  shownPool,
} from './announced.ts';
import type { SourceRange } from '@postrider/egress';
import type {
  AnnounceEgressAddressRequest,
  GetEgressPoolRequest,
  ListEgressAddressesRequest,
  ListEgressAddressesResponse,
  ListEgressPoolsRequest,
  ListEgressPoolsResponse,
  RetireEgressAddressRequest,
} from '@postrider/contract/postrider/v1/egress_service';
import type { Method, ServiceContext } from '../call.ts';
import type { Change } from '../config-writer.ts';
import type { Violations } from '../validate-common.ts';

const COLLECTION = 'egressPools';
const DAY_MS = 86_400_000;

export function listEgressPools({
  view,
  pools,
  paging,
  clock,
}: ServiceContext): Method<ListEgressPoolsRequest, ListEgressPoolsResponse> {
  return (request) => {
    const snapshot = view.snapshot();
    const { items, nextPageToken } = paging.page(
      {
        method: 'ListEgressPools',
        parent: '',
        snapshot,
        names: () => poolNames(snapshot, pools),
        resource: (name) => shownPool(name, snapshot, clock.now()),
        bytes: (pool) => sizeOf(EgressPool, pool),
      },
      request,
    );
    return { egressPools: [...items], nextPageToken };
  };
}

export function getEgressPool({ view, pools, clock }: ServiceContext): Method<GetEgressPoolRequest, EgressPool> {
  return ({ name }) => {
    parseFlatName(name, COLLECTION, 'name');
    const snapshot = view.snapshot();
    if (!poolNames(snapshot, pools).has(name)) found(undefined, name);
    return shownPool(name, snapshot, clock.now());
  };
}

export function listEgressAddresses({
  view,
  pools,
  paging,
  clock,
}: ServiceContext): Method<ListEgressAddressesRequest, ListEgressAddressesResponse> {
  return (request) => {
    const { parent } = request;
    const pool = parseFlatName(parent, COLLECTION, 'parent');
    const snapshot = view.snapshot();
    if (pool !== ANY && !poolNames(snapshot, pools).has(parent)) found(undefined, parent);
    const listed = pool === ANY ? [...announced(snapshot)] : addressesOf(snapshot, pool);
    const byName = new Map(listed.map((address) => [address.name, address]));
    const { items, nextPageToken } = paging.page(
      {
        method: 'ListEgressAddresses',
        parent,
        snapshot,
        names: () => byName.keys(),
        resource: (name) => {
          const address = byName.get(name);
          return address === undefined ? undefined : shownAddress(address, clock.now());
        },
        bytes: (address) => sizeOf(EgressAddress, address),
      },
      request,
    );
    return { egressAddresses: [...items], nextPageToken };
  };
}

export function announceEgressAddress({
  writer,
  pools,
  clock,
}: ServiceContext): Method<AnnounceEgressAddressRequest, EgressAddress> {
  return ({ parent, cidr, effectiveTime, force }, caller) => {
    const pool = parseFlatName(parent, COLLECTION, 'parent');
    const violations = createViolations();
    const range = parseSourceRange(cidr);
    checkRange(violations, range);
    checkNotice(violations, 'effective_time', { time: effectiveTime, force, now: clock.now() });
    rejectViolations(violations.list);
    if (!pools.has(pool)) found(undefined, parent);
    return writer.change(caller.actor, (change) => {
      const { snapshot, now } = change;
      const source = range as SourceRange;
      const name = addressName(pool, source);
      const id = `${pool}/${source.id}`;
      rejectUnreadable(snapshot, 'egress-address', id, name);
      const before = snapshot.egressAddress(id)?.address;
      const state = before === undefined ? EgressAddressState.RETIRED : addressState(before, now.getTime());
      if (before !== undefined && state === EgressAddressState.RETIRING) {
        if (effectiveTime !== undefined) throw inUse(name);
        return write(change, { ...before, retireTime: undefined });
      }
      if (state !== EgressAddressState.RETIRED) alreadyExists(name);
      const others = addressesOf(snapshot, pool).filter((one) => one.name !== name);
      checkOverlap(source, others, now);
      const effective = new Date(
        Math.max(effectiveTime?.getTime() ?? now.getTime() + limits.addressNoticeMs, now.getTime()),
      );
      checkOpens(pool, [...others, ...(before === undefined ? [] : [before])], effective > now);
      makeRoom(change, pool, others);
      const announceTime = now;
      const times = { announceTime, effectiveTime: effective, retireTime: undefined };
      return write(change, { ...EgressAddress.fromPartial({ name, cidr: source.cidr }), ...times });
    });
  };
}

export function retireEgressAddress({
  writer,
  clock,
  sources,
}: ServiceContext): Method<RetireEgressAddressRequest, EgressAddress> {
  return ({ name, retireTime, force }, caller) => {
    const { pool, id } = parseEgressAddressName(name, 'name');
    const violations = createViolations();
    checkNotice(violations, 'retire_time', { time: retireTime, force: true, now: clock.now() });
    rejectViolations(violations.list);
    return writer.change(caller.actor, (change) => {
      const { snapshot, now } = change;
      rejectUnreadable(snapshot, 'egress-address', id, name);
      const before = found(snapshot.egressAddress(id)?.address, name);
      const state = addressState(before, now.getTime());
      if (state === EgressAddressState.RETIRED) return shownAddress(before, now.getTime());
      const others = addressesOf(snapshot, pool).filter((one) => one.name !== name);
      const declared = sources.get(pool) ?? [];
      if (state === EgressAddressState.ANNOUNCED) {
        if (!force) checkNotCountedOn(name, others, declared, now);
        // Nothing has come from it yet: no notice is owed.
        return write(change, { ...before, retireTime: now });
      }
      const asked = retireTime?.getTime() ?? now.getTime() + limits.addressRetireDefaultMs;
      const isSooner = before.retireTime === undefined || asked < before.retireTime.getTime();
      checkNotice(violations, 'retire_time', { time: retireTime, force: force || !isSooner, now: now.getTime() });
      rejectViolations(violations.list);
      const retires = new Date(Math.max(asked, now.getTime()));
      if (!force) checkLeft(name, others, declared, retires);
      return write(change, { ...before, retireTime: retires });
    });
  };
}

function write({ now, put }: Change, address: EgressAddress): EgressAddress {
  const { value } = put(configKey('egress-address', idOf(address)), (revision) =>
    addressRecord({ ...address, updateTime: now, revision }, ''),
  );
  return shownAddress(value.address ?? address, now.getTime());
}

function idOf({ name }: EgressAddress): string {
  return parseEgressAddressName(name, 'name').id;
}

function checkRange(violations: Violations, range: SourceRange | undefined): void {
  if (range === undefined) {
    return violations.add('cidr', 'must be an IP address, or a range like 192.0.2.0/28 without bits behind its prefix');
  }
  const { bytes, bits } = range.range;
  const least = bytes.length === 4 ? limits.addressPrefixIpv4Min : limits.addressPrefixIpv6Min;
  if (bits < least) violations.add('cidr', `must have a prefix of at least ${least} bits`);
}

/** A time must lie within a year, and as far ahead as receivers are promised to be told, unless that is forced. */
function checkNotice(
  violations: Violations,
  field: string,
  { time, force, now }: { readonly time: Date | undefined; readonly force: boolean; readonly now: number },
): void {
  if (time === undefined) return;
  const ahead = time.getTime() - now;
  // A time that no Date can hold compares with nothing.
  if (!(ahead <= limits.addressAheadMaxMs)) {
    return violations.add(field, `must be a time within ${limits.addressAheadMaxMs / DAY_MS} days`);
  }
  if (!force && ahead < limits.addressNoticeMs) {
    const days = limits.addressNoticeMs / DAY_MS;
    violations.add(
      field,
      `must be at least ${days} days ahead, as receivers are promised; set force to change it sooner`,
    );
  }
}

function inUse(name: string): PostriderError {
  return invalidArgument([{ field: 'effective_time', description: `must not be set: ${name} is in use, and is kept` }]);
}

function checkOverlap({ range }: SourceRange, others: readonly EgressAddress[], now: Date): void {
  const standing = others.filter((one) => addressState(one, now.getTime()) !== EgressAddressState.RETIRED);
  const other = standing.find((one) => {
    const theirs = rangeOf(one)?.range;
    return theirs !== undefined && overlaps(range, theirs);
  });
  if (other === undefined) return;
  throw new PostriderError(
    'failed_precondition',
    `the range overlaps ${other.cidr}, which is announced as ${other.name}`,
  );
}

/** The first announcement of a pool ends that it leaves from whatever is declared: it must not close the pool. */
function checkOpens(pool: string, known: readonly EgressAddress[], isLater: boolean): void {
  if (known.length > 0 || !isLater) return;
  const text = `nothing is announced for the egress pool ${pool} yet: announce what it uses now first, with force and no later effective_time`;
  throw new PostriderError('failed_precondition', text);
}

/** Addresses are added before others are removed: something must be left that is announced and that the processes have. */
function checkLeft(name: string, others: readonly EgressAddress[], declared: readonly string[], retires: Date): void {
  const left = others.filter((one) => mayLeaveFrom(one, retires.getTime() - limits.addressDrainMs));
  const held = declared.flatMap((address) => parseSourceRange(address)?.range ?? []);
  const isHeld = (one: EgressAddress): boolean => {
    const range = rangeOf(one)?.range;
    return range !== undefined && held.some((host) => overlaps(range, host));
  };
  if (declared.length === 0 ? left.length > 0 : left.some(isHeld)) return;
  const text = `without ${name} nothing could leave from the pool after ${retires.toISOString()}: announce another address that its processes have for before that, or set force`;
  throw new PostriderError('failed_precondition', text);
}

/** What the others retire for is not taken back: when the last of them has, nothing would be left. */
function checkNotCountedOn(
  name: string,
  others: readonly EgressAddress[],
  declared: readonly string[],
  now: Date,
): void {
  const ends = others
    .filter((one) => addressState(one, now.getTime()) === EgressAddressState.RETIRING)
    .map(({ retireTime }) => Number(retireTime));
  if (ends.length > 0) checkLeft(name, others, declared, new Date(Math.max(...ends)));
}

/** What has retired longest is forgotten when there are too many. */
function makeRoom({ now, remove }: Change, pool: string, others: readonly EgressAddress[]): void {
  const retired = others
    .filter((one) => addressState(one, now.getTime()) === EgressAddressState.RETIRED)
    .toSorted((a, b) => Number(a.retireTime) - Number(b.retireTime));
  const excess = others.length + 1 - limits.addressesPerPoolMax;
  if (excess > retired.length) {
    throw new PostriderError(
      'limit_reached',
      `${limits.addressesPerPoolMax} addresses and ranges are announced for the egress pool ${pool}`,
    );
  }
  for (const one of retired.slice(0, Math.max(0, excess))) remove(configKey('egress-address', idOf(one)));
}
