import { createHash } from 'node:crypto';
import { addressState, nextAddressChange } from '@postrider/core';
import { EgressAddressState } from '@postrider/contract/postrider/v1/egress';
import { serverLimits } from '../server-limits.ts';
import { addressesOf, poolNames } from './announced.ts';
import { poolOf } from '@postrider/egress';
import type { ConfigSnapshot, ConfigView } from '@postrider/config-view';
import type { EgressAddress } from '@postrider/contract/postrider/v1/egress';
import type { Clock } from '@postrider/core';
import type { PageDocument, PageLimits } from '@postrider/runtime';

/** Where the addresses that requests come from are published. */
export const EGRESS_PATH = '/.well-known/postrider/egress.json';

export const wellKnownLimits: PageLimits = {
  connectionsMax: serverLimits.wellKnownConnectionsMax,
  requestMs: serverLimits.wellKnownRequestMs,
  headerBytesMax: serverLimits.wellKnownHeaderBytesMax,
};

export interface EgressDocumentOptions {
  readonly view: Pick<ConfigView, 'snapshot'>;
  /** Names of the egress pools that there are. */
  readonly pools: Iterable<string>;
  readonly clock: Pick<Clock, 'now'>;
}

/** The addresses that requests come from, as a page for receivers: made again only when it says something else. Its ETag is
 * the same at every replica, and it may be kept until the next change that is announced. */
export function createEgressDocument({ view, pools, clock }: EgressDocumentOptions): () => PageDocument {
  let made: Made | null = null;
  return () => {
    const snapshot = view.snapshot();
    const now = clock.now();
    if (made === null || made.snapshot !== snapshot || now >= made.until || now < made.since) {
      made = { ...make(snapshot, pools, now), snapshot, since: now };
    }
    const { document, until } = made;
    const keptMs = Math.min(serverLimits.wellKnownKeptMs, until - now);
    return { ...document, maxAgeS: Math.max(1, Math.floor(keptMs / 1_000)) };
  };
}

interface Made {
  readonly snapshot: ConfigSnapshot;
  readonly document: Omit<PageDocument, 'maxAgeS'>;
  /** While it says what holds. */
  readonly since: number;
  readonly until: number;
}

function make(snapshot: ConfigSnapshot, pools: Iterable<string>, now: number): Pick<Made, 'document' | 'until'> {
  const names = [...poolNames(snapshot, pools)].toSorted();
  const all = names.map((name) => ({ name, addresses: addressesOf(snapshot, poolOf(name)) }));
  const egressPools = all.map(({ name, addresses }) => ({
    name,
    addresses: addresses
      .filter((address) => addressState(address, now) !== EgressAddressState.RETIRED)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((address) => shown(address, now)),
  }));
  const addresses = all.flatMap((one) => one.addresses);
  const createTime = new Date(Math.max(0, ...addresses.map((address) => lastChange(address, now))));
  const syncToken = createHash('sha256').update(JSON.stringify(egressPools)).digest('hex').slice(0, 32);
  // Before anything was announced there is no such time.
  const told = addresses.length === 0 ? { syncToken, egressPools } : { syncToken, createTime, egressPools };
  const body = `${JSON.stringify(told, null, 2)}\n`;
  const until = Math.min(Infinity, ...addresses.flatMap((address) => nextAddressChange(address, now) ?? []));
  return { document: { body, etag: `"${syncToken}"`, lastModified: createTime }, until };
}

function shown(address: EgressAddress, now: number) {
  const { cidr, announceTime, effectiveTime, retireTime } = address;
  const state = addressState(address, now).replace('EGRESS_ADDRESS_STATE_', '');
  return { cidr, state, announceTime, effectiveTime, ...(retireTime === undefined ? {} : { retireTime }) };
}

/** When what is said of an address was last another thing: it was changed, or one of its times has come. */
function lastChange({ updateTime, effectiveTime, retireTime }: EgressAddress, now: number): number {
  const times = [updateTime, effectiveTime, retireTime].map((time) => time?.getTime() ?? 0);
  return Math.max(...times.filter((time) => time <= now), 0);
}
