import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** Bounds of a listener that anybody may connect to. */
export interface AcceptLimits {
  /** Connections at once; more are closed as they come. */
  readonly connectionsMax: number;
  /** Of one address, or of all that count as one. */
  readonly connectionsPerAddressMax: number;
  /** How long a connection may take until it is of use: until `used` is told of it, ms. */
  readonly firstUseMs: number;
}

export interface AcceptOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly limits: AcceptLimits;
  /** What an address counts as, where one machine may take many of them; absent: each is one. */
  readonly machineOf?: (address: string) => string;
  /** Takes a connection over. */
  readonly take: (socket: Socket) => void;
  /** Calls back after so many milliseconds; returns how to prevent that. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

/** A listener whose connections are counted, and can be ended one by one. */
export interface Accepting {
  /** The port listened on. */
  readonly port: number;
  /** Connections that stand. */
  readonly connections: number;
  /** Something has come over this connection, `address:port` of its other end: it may stay. */
  used(peer: string): void;
  /** Ends a connection at once, whatever is under way on it. */
  drop(peer: string): void;
  /**
   * Listens no more, ends the connections that were of no use yet, and resolves when none is left. Whoever took the others has
   * `graceMs` to end them; then those that are left are ended as they are.
   */
  close(graceMs: number): Promise<void>;
}

interface Connection {
  readonly socket: Socket;
  /** Ends the wait for its first use. */
  readonly keep: () => void;
  isUsed: boolean;
}

/** Listens and hands connections over. Rejects with the system's error when the port cannot be had. */
export async function startAccepting(options: AcceptOptions): Promise<Accepting> {
  const { limits, machineOf = (address) => address } = options;
  const connections = new Map<string, Connection>();
  const perAddress = new Map<string, number>();

  function accept(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const peer = `${address}:${socket.remotePort}`;
    socket.on('error', () => {});
    const machine = machineOf(address);
    const count = perAddress.get(machine) ?? 0;
    if (count >= limits.connectionsPerAddressMax) return void socket.destroy();
    perAddress.set(machine, count + 1);
    const keep = options.after(limits.firstUseMs, () => socket.destroy());
    connections.set(peer, { socket, keep, isUsed: false });
    socket.once('close', () => {
      keep();
      // Who closes at last may not be who has come over the same port meanwhile.
      if (connections.get(peer)?.socket === socket) connections.delete(peer);
      const left = (perAddress.get(machine) ?? 1) - 1;
      if (left === 0) perAddress.delete(machine);
      else perAddress.set(machine, left);
    });
    options.take(socket);
  }

  const server = createServer({ noDelay: true }, accept);
  server.maxConnections = limits.connectionsMax;
  server.listen({ host: options.host, port: options.port });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections.size;
    },
    used(peer) {
      const connection = connections.get(peer);
      if (connection === undefined) return;
      connection.isUsed = true;
      connection.keep();
    },
    drop: (peer) => void connections.get(peer)?.socket.destroy(),
    async close(graceMs) {
      // Node calls a server closed when all that it accepted is.
      const closed = once(server, 'close');
      server.close();
      for (const { socket, isUsed } of connections.values()) if (!isUsed) socket.destroy();
      const cancel = options.after(graceMs, () => {
        for (const { socket } of connections.values()) socket.destroy();
      });
      await closed.finally(cancel);
    },
  };
}
