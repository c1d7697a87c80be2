import { rawEndpoint } from './support.ts';

/** Listeners that nothing may ever connect to: on both loopback addresses, and on one more that is easily forgotten. */
export interface Canary extends AsyncDisposable {
  readonly ports: readonly number[];
  /** The listener that stands for a forbidden address. */
  portFor(address: string): number;
  /** Connections that any of them has accepted. */
  accepts(): number;
}

const addresses = ['127.0.0.1', '::1', '127.0.0.2'] as const;

export async function openCanary(): Promise<Canary> {
  const listeners = await Promise.all(addresses.map((address) => rawEndpoint((socket) => socket.destroy(), address)));
  return {
    ports: listeners.map(({ port }) => port),
    portFor: (address) => listeners[address.includes(':') ? 1 : 0]?.port ?? 0,
    accepts: () => listeners.reduce((sum, listener) => sum + listener.accepts(), 0),
    async [Symbol.asyncDispose]() {
      await Promise.all(listeners.map((listener) => listener[Symbol.asyncDispose]()));
    },
  };
}
