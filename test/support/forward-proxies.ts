import { startProxyChain } from './proxy-chain.ts';
import { squidBinaries, startSquid } from './squid.ts';
import type { ForwardProxy, ForwardProxyOptions } from './forward-proxy.ts';

/** A program that is such a proxy. */
export interface ForwardProxyKind {
  readonly name: string;
  /** Why it cannot be started here; null: it can. */
  readonly missing: string | null;
  /** Whether it says that an endpoint refused a connection. One that does not hides whose fault that was. */
  readonly saysWhose: boolean;
  start(options: ForwardProxyOptions): Promise<ForwardProxy>;
}

/** The first comes with the packages; the second is what many run, where it is on the machine. */
export const forwardProxies: readonly ForwardProxyKind[] = [
  { name: 'proxy-chain', missing: null, saysWhose: false, start: startProxyChain },
  {
    name: 'squid',
    missing: squidBinaries() === null ? 'there is no squid on this machine (apt-get install squid)' : null,
    saysWhose: true,
    start: startSquid,
  },
];
