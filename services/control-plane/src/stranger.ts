import { receiverBlock } from '@postrider/egress';
import type { Principal } from './permissions.ts';

/** What an address counts as: a machine may take any address of its IPv6 /64. */
export function machineOf(address: string): string {
  return receiverBlock(address) ?? address;
}

/**
 * Who calls what anyone may call: known by where the call comes from alone, so that their calls can be counted.
 * @param peer `address:port` as the server tells it
 */
export function strangerAt(peer: string): Principal {
  const address = peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return { actor: `peer/${machineOf(address)}`, grants: [] };
}
