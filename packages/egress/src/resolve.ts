import { Resolver } from 'node:dns/promises';

/**
 * All addresses of a name, IPv4 and IPv6, as text. Rejects with a `code` such as `ENOTFOUND`. Must not consult search
 * lists or the hosts file: what a name means here must not depend on the machine's configuration for its own services.
 */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

const noSuchRecord = new Set(['ENODATA', 'ENOTFOUND']);

/**
 * Asks name servers directly, never through `getaddrinfo`, and gives up after `timeoutMs`. `servers` (`address:port`)
 * stand in for the machine's own.
 */
export function systemResolve(timeoutMs: number, servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  if (servers !== undefined) resolver.setServers(servers);
  return async (hostname) => {
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length > 0) return addresses;
    const errors = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [answer.reason as NodeJS.ErrnoException] : [],
    );
    // A name without addresses of one family is normal; the other family's error is the one that tells.
    throw errors.find((error) => !noSuchRecord.has(error.code ?? '')) ?? errors[0] ?? new Error('no answer');
  };
}
