import type { Clock } from '@postrider/core';
import { saysNo, type AskName } from './resolve.ts';

/**
 * Names that were answered lately: when another is not, they tell whether any is. Few of each tenant, for a tenant chooses
 * its names and may run their servers: with all witnesses in its hand, one that breaks them makes every other failure ours.
 * But more than one: where there is one tenant, the last name that was answered may be the very one that fails next.
 */
export interface NameWitnesses {
  /** Whether it is one of them. */
  has(hostname: string): boolean;
  readonly names: Iterable<string>;
  /** `tenant`: for whom it was asked; undefined: for nobody, and then it becomes none. */
  answered(hostname: string, tenant: string | undefined): void;
  /** Whether another name than the one that failed is answered now. */
  isOneAlive(failedName: string): Promise<boolean>;
}

/** Of so many tenants names are remembered, and so many of each. */
const tenantsMax = 3;
const namesOfTenantMax = 2;

/** Nobody to ask. What one of them says holds for `keptMs`. */
export function createNameWitnesses(ask: AskName, clock: Clock, keptMs: number): NameWitnesses {
  /** By tenant; the one of longest ago first, and so its names. */
  const tenants = new Map<string, readonly string[]>();
  const names = (): Set<string> => new Set([...tenants.values()].flat());
  const verdicts = new Map<string, { readonly since: number; readonly answered: Promise<boolean> }>();

  function isAlive(name: string): Promise<boolean> {
    const last = verdicts.get(name);
    if (last !== undefined && clock.monotonic() - last.since < keptMs) return last.answered;
    const asked = ask(name).then(() => true, saysNo);
    verdicts.set(name, { since: clock.monotonic(), answered: asked });
    return asked;
  }

  return {
    has: (hostname) => names().has(hostname),
    get names() {
      return names();
    },
    answered(hostname, tenant) {
      if (tenant === undefined) return;
      const others = (tenants.get(tenant) ?? []).filter((name) => name !== hostname);
      tenants.delete(tenant);
      tenants.set(tenant, [...others.slice(1 - namesOfTenantMax), hostname]);
      const [oldest] = tenants.keys();
      if (tenants.size > tenantsMax && oldest !== undefined) tenants.delete(oldest);
    },
    async isOneAlive(failedName) {
      const all = names();
      for (const name of verdicts.keys()) if (!all.has(name)) verdicts.delete(name);
      const others = [...all].filter((name) => name !== failedName);
      return (await Promise.all(others.map(isAlive))).some(Boolean);
    },
  };
}
