import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until `condition` gives something truthy, and returns it. Asks every 10 ms, and again only after it has answered.
 * Fails after `timeoutMs` (default 10,000) naming `what` was awaited and, if it threw last, why.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: { readonly what: string; readonly timeoutMs?: number },
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const { what, timeoutMs = 10_000 } = options;
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  do {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, false | null | undefined | 0 | ''>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await delay(10);
  } while (performance.now() < deadline);
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, cause === undefined ? {} : { cause });
}
