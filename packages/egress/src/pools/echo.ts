import type { EventEmitter } from 'node:events';
import { Client } from 'undici';
import { parseAddress } from '../address.ts';
import { departure } from '../dial.ts';
import { guardedConnect, type ConnectDependencies } from '../guarded-connect.ts';
import { noteWay, type Pool, type Way } from './pool.ts';

const answerBytesMax = 1_024;

/**
 * Asks the pool's echo page, again and again, where requests that leave by each of its ways come from, and lets nothing out
 * by a way whose answer is not among the declared addresses. Until the first answer nothing leaves: it is at the start that
 * a network is most often not set up yet. Later a page that does not answer proves nothing and changes nothing: it may not
 * stop deliveries. Returns how to stop.
 */
export function watchEcho(pool: Pool, url: URL, deps: ConnectDependencies): () => void {
  const { clock, limits } = deps;
  const stops = pool.ways.map((way) => {
    let cancel = (): void => undefined;
    let stopped = false;
    const round = async (): Promise<void> => {
      const seen = await seenFrom(pool, way, url, deps);
      if (stopped) return;
      if (seen !== null) noteWay(pool, way, { seen, unproven: verdictOn(pool, seen) });
      const settled = seen !== null && way.unproven === null;
      cancel = clock.after(settled ? limits.echoEveryMs : limits.echoAgainMs, () => void round());
    };
    void round();
    return () => {
      stopped = true;
      cancel();
    };
  });
  return () => {
    for (const stop of stops) stop();
  };
}

function verdictOn({ definition }: Pool, seen: string): string | null {
  const bytes = parseAddress(seen);
  if (bytes === undefined) return 'its echo page answers with something that is no address';
  const isDeclared = definition.sourceAddresses.some(
    (address) => Buffer.compare(parseAddress(address) ?? noBytes, bytes) === 0,
  );
  return isDeclared ? null : `is seen as ${seen}, which is none of its source addresses`;
}

const noBytes = Buffer.alloc(0);

/** What the page says, over a connection of its own; null: nothing. */
async function seenFrom(pool: Pool, way: Way, url: URL, deps: ConnectDependencies): Promise<string | null> {
  // The question is asked by this way, open or not, and its failures are nobody else's affair.
  const alone: Pool = {
    ...pool,
    ways: [{ ...way, broken: null, unproven: null, withheld: null }],
    changed: () => undefined,
  };
  const client = new Client(url.origin, {
    ...{ pipelining: 1, allowH2: false, maxResponseSize: answerBytesMax },
    connect({ hostname, protocol, port }, callback) {
      const target = { protocol, hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
      guardedConnect({ ...target, from: departure(alone, '') }, {}, deps, (error, socket) => {
        if (error !== null || socket === undefined) callback(error ?? new Error('no socket'), null);
        else callback(null, socket);
      });
    },
  });
  (client as EventEmitter).on('error', () => {});
  const stopTimer = deps.clock.after(deps.limits.headersMs, () => void client.destroy());
  try {
    const { statusCode, body } = await client.request({
      ...{ method: 'GET', path: `${url.pathname}${url.search}` },
      headers: { accept: 'text/plain', 'accept-encoding': 'identity' },
    });
    const text = await body.text();
    return statusCode === 200 ? text.trim().slice(0, 64) : null;
  } catch {
    return null;
  } finally {
    stopTimer();
    await client.destroy();
  }
}
