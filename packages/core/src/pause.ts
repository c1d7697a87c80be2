import type { Pause } from '@postrider/contract/postrider/v1/pause';

/** Id of the pause of everything. */
export const EVERYTHING = 'installation';

/** What a delivery belongs to, as far as pauses go. */
export interface Pausable {
  /** The tenant's id. */
  readonly tenant: string;
  /** The endpoint's uid. */
  readonly endpointId: string;
  /** Name of the egress pool that its requests leave from. */
  readonly pool: string;
}

/**
 * The id that the pause of a resource has on `config`. Endpoints are named by their uid, which is never used again.
 * @param name as in `Pause.name`
 * @param endpointUid of the endpoint that the name means; empty where it means something else
 */
export function pauseIdOf({ name, endpointUid }: Pick<Pause, 'name' | 'endpointUid'>): string {
  return endpointUid === '' ? name : `endpoints/${endpointUid}`;
}

/** Ids of the pauses that would keep it from being sent, the widest first. */
export function pauseIdsFor({ tenant, endpointId, pool }: Pausable): readonly string[] {
  return [EVERYTHING, `egressPools/${pool}`, `tenants/${tenant}`, `endpoints/${endpointId}`];
}

/** Whether a pause holds at `now` (ms since the Unix epoch): at its end it is over. */
export function isInForce({ expireTime }: Pick<Pause, 'expireTime'>, now: number): boolean {
  return expireTime === undefined || expireTime.getTime() > now;
}

/** The pauses that keep something from being sent at `now`, the widest first. */
export function pausesOf(what: Pausable, find: (id: string) => Pause | undefined, now: number): readonly Pause[] {
  return pauseIdsFor(what).flatMap((id) => {
    const pause = find(id);
    return pause !== undefined && isInForce(pause, now) ? [pause] : [];
  });
}
