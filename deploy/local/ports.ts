import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { host } from './server-properties.ts';

/**
 * Ports are chosen below the range that systems hand out to outgoing connections (from 32768 on Linux): a broker that is
 * down for a while then finds its port free when it comes back.
 */
const lowest = 15_000;
const highest = 32_000;

/** True when nothing listens on the port of the loopback address. */
export function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * As many different free ports as asked for, none of those in `others`. They are not reserved: who uses one checks, and
 * chooses again.
 */
export async function choosePorts(count: number, others: ReadonlySet<number> = new Set()): Promise<number[]> {
  const chosen = new Set<number>();
  for (let tries = 0; chosen.size < count; tries++) {
    if (tries > 1000) throw new Error(`found only ${chosen.size} of ${count} free ports from ${lowest} to ${highest}`);
    const port = randomInt(lowest, highest);
    if (!chosen.has(port) && !others.has(port) && (await portIsFree(port))) chosen.add(port);
  }
  return [...chosen];
}
