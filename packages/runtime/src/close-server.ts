import { once } from 'node:events';
import type { Server } from 'node:http';

/** Ends a server and whatever is connected to it, at once; resolves when all of it is closed. */
export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
