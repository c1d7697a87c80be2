import { limits } from './limits.ts';

/**
 * What of a pod's requests in flight each tenant has. Its own part is an equal one: of those that have something in flight or
 * wait for their turn; and half at most where there was another within the last minute, so that one who comes back finds room.
 * All times are of one clock, in ms, which never goes back.
 */
export interface TenantParts {
  /** Whether it has less in flight than its own part. */
  isWithin(tenant: string, now: number): boolean;
  started(tenant: string, now: number): void;
  ended(tenant: string, count: number): void;
  /** So many more of its lanes wait for their turn; negative: fewer. */
  waits(tenant: string, change: number): void;
}

/** Nobody has anything. `inFlightMax`: what the pod may have in flight. */
export function createTenantParts(inFlightMax: number = limits.podInFlightMax): TenantParts {
  const parts = new Map<string, { inFlight: number; waiting: number }>();
  let newest: string | null = null;
  /** When another tenant than the one before it started something. */
  let changedAt = -Infinity;

  function change(tenant: string, inFlight: number, waiting: number): void {
    let part = parts.get(tenant);
    if (part === undefined) parts.set(tenant, (part = { inFlight: 0, waiting: 0 }));
    part.inFlight += inFlight;
    part.waiting += waiting;
    if (part.inFlight === 0 && part.waiting === 0) parts.delete(tenant);
  }

  return {
    isWithin(tenant, now) {
      const isShared = now - changedAt < limits.tenantKnownMs;
      const part = Math.ceil(inFlightMax / Math.max(isShared ? 2 : 1, parts.size));
      return (parts.get(tenant)?.inFlight ?? 0) < part;
    },
    started(tenant, now) {
      if (newest !== null && newest !== tenant) changedAt = now;
      newest = tenant;
      change(tenant, 1, 0);
    },
    ended: (tenant, count) => change(tenant, -count, 0),
    waits: (tenant, by) => change(tenant, 0, by),
  };
}
