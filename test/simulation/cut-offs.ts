import { MINUTE, type FaultPlan, type Plan } from './plan.ts';
import { randomOf } from './random.ts';

/** Now and then a process reaches no endpoint for a while, mostly amid much work. */
export function cutOffs(seed: number, temper: Plan['temper'], bursts: readonly number[]): FaultPlan[] {
  const random = randomOf(seed, 'cut-offs');
  if (temper !== 'faulty' || random.chance(0.7)) return [];
  return Array.from({ length: random.int(1, 4) }, () => ({
    atMs: random.pick(bursts) + random.int(0, 2 * MINUTE),
    kind: 'cut-off' as const,
  }));
}

/** Two tenants, or as many as it takes for a process to tell whose fault it is. */
export function tenantsOf(seed: number): readonly string[] {
  const tenants = ['acme', 'globex'];
  return randomOf(seed, 'tenants').chance(0.2) ? [...tenants, 'initech', 'umbrella'] : tenants;
}
