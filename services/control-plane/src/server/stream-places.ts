import { PostriderError } from '@postrider/core';
import { keyOf } from '../scoped-config.ts';
import { serverLimits } from '../server-limits.ts';
import type { Principal } from '../permissions.ts';

/** Places for streams of one kind at a replica. */
export interface StreamPlaces {
  /**
   * Gives a stream of this caller a place; what is returned gives it back.
   * @throws PostriderError `limit_reached`, with when to come back
   */
  take(caller: Pick<Principal, 'grants'>): () => void;
}

export interface StreamPlacesOptions {
  readonly most: number;
  /** Of those, for callers whose roles are all in the same tenants. */
  readonly mostOfTenant: number;
  /** What is done with them, as callers are told: `reads streams of events`, for example. */
  readonly what: string;
}

/** All of them free. A stream costs its client nothing to keep, so no tenant's programs take the places of the others. */
export function createStreamPlaces({ most, mostOfTenant, what }: StreamPlacesOptions): StreamPlaces {
  const taken = new Map<string, number>();
  let open = 0;

  function count(key: string | null, step: 1 | -1): void {
    open += step;
    if (key === null) return;
    const left = (taken.get(key) ?? 0) + step;
    if (left === 0) taken.delete(key);
    else taken.set(key, left);
  }

  function tooMany(number: number, whose: string): PostriderError {
    const text = `this replica ${what} already, ${number} ${whose}; come back later`;
    return new PostriderError('limit_reached', text, { retryAfterMs: serverLimits.retryAfterMs });
  }

  return {
    take({ grants }) {
      const tenants = new Set(grants.map(({ tenant }) => tenant));
      const key = tenants.has('') ? null : keyOf(tenants);
      if (key !== null && (taken.get(key) ?? 0) >= mostOfTenant) throw tooMany(mostOfTenant, 'of this tenant');
      if (open >= most) throw tooMany(most, 'in all');
      count(key, 1);
      return () => count(key, -1);
    },
  };
}
