/**
 * Takes no connection: it listens with room for one, and when it has told its port it is stopped (SIGSTOP), and a few
 * connections fill the room. What comes after that gets no answer at all, as behind a firewall that drops packets.
 */
import { createServer, type AddressInfo } from 'node:net';

const server = createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on('disconnect', () => process.exit(0));
