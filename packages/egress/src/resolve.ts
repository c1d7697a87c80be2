import { Resolver } from 'node:dns/promises';

/**
 * All addresses of a name, IPv4 and IPv6, as text. Rejects with an `EgressError`, or an error with a `code` such as
 * `ENOTFOUND`, within a bounded time. Must not consult search lists or the hosts file: what a name means here must not
 * depend on the machine's configuration for its own services.
 * @param tenant for whom it is asked; absent: for nobody
 */
export type Resolve = (hostname: string, tenant?: string) => Promise<readonly string[]>;

/** What name servers said of a name. */
export interface NameAnswer {
  readonly addresses: readonly string[];
  /** How long it may be used: the least of its records' times to live (ms). */
  readonly ttlMs: number;
}

/** One question to name servers, never answered from memory. Rejects with a `code` such as `ENOTFOUND` or `ETIMEOUT`. */
export type AskName = (hostname: string) => Promise<NameAnswer>;

const answeredNo = new Set(['ENODATA', 'ENOTFOUND']);

/** Whether name servers answered, and the answer is that there is nothing of the kind. */
export function saysNo(error: unknown): boolean {
  return answeredNo.has((error as { code?: string } | null)?.code ?? '');
}

/**
 * Asks name servers directly, never through `getaddrinfo`, and gives up after about `timeoutMs`. `servers` (`address` or
 * `address:port`) stand in for the machine's own.
 */
export function askNameServers(timeoutMs: number, servers?: readonly string[]): AskName {
  // The time is shared by the servers, or the second would never be asked when the first is dead.
  const count = Math.max(1, (servers ?? new Resolver().getServers()).length);
  const resolver = new Resolver({ timeout: Math.ceil(timeoutMs / count), tries: 1 });
  if (servers !== undefined) resolver.setServers(servers);
  return async (hostname) => {
    const answers = await Promise.allSettled([
      resolver.resolve4(hostname, { ttl: true }),
      resolver.resolve6(hostname, { ttl: true }),
    ]);
    const records = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (records.length > 0) {
      const ttlMs = 1_000 * Math.min(...records.map(({ ttl }) => ttl));
      return { addresses: records.map(({ address }) => address), ttlMs };
    }
    const errors = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error] : []));
    // A name without addresses of one family is normal; the other family's error is the one that tells.
    throw errors.find((error) => !saysNo(error)) ?? errors[0] ?? new Error('no answer');
  };
}
