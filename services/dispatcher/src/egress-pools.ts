import type { PoolState } from '@postrider/egress';
import type { CheckResult, Logger, Metrics } from '@postrider/runtime';

/** Where requests leave from: what a dispatcher must know to keep back what cannot leave as it should. */
export interface EgressPools {
  /** False also for a pool that nobody has defined here. */
  isOpen(name: string): boolean;
  states(): readonly PoolState[];
  /** Calls back when a pool may have opened or closed; returns how to stop that. */
  onChange(callback: () => void): () => void;
}

/** For requests that leave by other means than the door's. */
export const everyPoolIsOpen: EgressPools = {
  isOpen: () => true,
  states: () => [],
  onChange: () => () => undefined,
};

/** For `/readyz`: from every pool something can leave. What is wrong with some ways of an open pool is detail. */
export function poolsReady(pools: EgressPools): CheckResult {
  const states = pools.states();
  const closed = states.filter(({ open }) => !open);
  const problems = Object.fromEntries(
    states.flatMap((one) => (one.problems.length > 0 ? [[one.name, one.problems]] : [])),
  );
  if (closed.length === 0) return { ok: true, ...(Object.keys(problems).length > 0 ? { detail: problems } : {}) };
  const told = closed.map((one) => `nothing can leave from egress pool ${one.name} (${one.problems.join('; ')})`);
  return { ok: false, reason: told.join('; '), detail: problems };
}

/** Tells of pools that close, lose some of their ways, or are whole again; returns how to stop that. */
export function tellOfPools(pools: EgressPools, log: Logger, metrics: Metrics): () => void {
  const told = new Map<string, string>();
  const tell = (): void => {
    for (const { name: pool, open, problems } of pools.states()) {
      const now = `${open} ${problems.join()}`;
      if ((told.get(pool) ?? 'true ') === now) continue;
      told.set(pool, now);
      if (!open)
        log.error({ pool, problems }, 'egress-pool.closed: its deliveries wait, and nothing is sent from elsewhere');
      else if (problems.length > 0) log.warn({ pool, problems }, 'egress-pool.impaired');
      else log.info({ pool }, 'egress-pool.open');
    }
  };
  metrics.gauge(
    'postrider_egress_pool_open',
    'Whether requests can leave from an egress pool (1) or wait for it (0)',
    () => pools.states().map(({ name, open }) => [{ pool: name }, open ? 1 : 0]),
  );
  tell();
  return pools.onChange(tell);
}
