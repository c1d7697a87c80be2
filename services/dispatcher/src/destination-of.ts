import { limits, type Clock } from '@postrider/core';
import { receiverBlock } from '@postrider/egress';
import { getDomain } from 'tldts';

/** The destination that a host belongs to. Null: not known yet, and `known` is called when it is. */
export type DestinationOf = (host: string, known: () => void) => string | null;

/**
 * The registrable domain, by the public suffix list with its private part; a suffix is itself. Of an address: what one
 * receiver is given of such.
 */
export const byDomain: DestinationOf = (host) =>
  receiverBlock(host) ?? getDomain(host, { allowPrivateDomains: true }) ?? host;

interface Known {
  /** Null: not known yet. */
  address: string | null;
  /** ms, monotonic. */
  askedAt: number;
  asking: boolean;
  readonly waiting: (() => void)[];
}

/**
 * The address that a connection to the host would be made to, of IPv6 its /64. `addressOf` tells it; of a host that has none,
 * nothing reaches any address, and it is its own destination. What is known is used while it is asked for anew.
 */
export function byAddress(clock: Clock, addressOf: (host: string) => Promise<string>): DestinationOf {
  const hosts = new Map<string, Known>();

  function ask(host: string, entry: Known): void {
    entry.asking = true;
    entry.askedAt = clock.monotonic();
    const learn = (address: string): void => {
      entry.asking = false;
      entry.address = receiverBlock(address) ?? address;
      for (const known of entry.waiting.splice(0)) known();
    };
    addressOf(host).then(learn, () => learn(host));
  }

  return (host, known) => {
    let entry = hosts.get(host);
    if (entry === undefined) {
      if (hosts.size >= limits.destinationAddressesMax) hosts.clear();
      hosts.set(host, (entry = { address: null, askedAt: -Infinity, asking: false, waiting: [] }));
    }
    if (!entry.asking && clock.monotonic() - entry.askedAt >= limits.destinationAddressKeptMs) ask(host, entry);
    if (entry.address === null) entry.waiting.push(known);
    return entry.address;
  };
}
