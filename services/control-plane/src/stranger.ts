import { receiverBlock } from '@postrider/egress';
import type { Principal } from './permissions.ts';

/**
 * Who calls what anyone may call: known by where the call comes from alone, so that their calls can be counted. A machine may
 * take any address of its IPv6 /64.
 * @param peer `address:port` as the server tells it
 */
export function strangerAt(peer: string): Principal {
  const address = peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return { actor: `peer/${receiverBlock(address) ?? address}`, grants: [] };
}
